"""Reading browsers' offers as recorded, refusing what is no description, and writing answers that read back."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from media.ports import Candidate, Codec, Fingerprint, IceCredentials
from signaling.errors import NegotiationError
from signaling.sdp import Local, SectionLine, SentStream, accepted_codecs, accepted_extensions, parse, render

OFFERS = Path(__file__).parent / "offers"
CHROMIUM_JOIN = (OFFERS / "chromium-join.sdp").read_text()
CHROMIUM_REPUBLISH = (OFFERS / "chromium-republish.sdp").read_text()
FIREFOX_JOIN = (OFFERS / "firefox-join.sdp").read_text()
MID = "urn:ietf:params:rtp-hdrext:sdes:mid"


def test_chromiums_first_offer_asks_for_three_and_three_and_data() -> None:
    offer = parse(CHROMIUM_JOIN)
    assert [(s.kind, s.direction) for s in offer.sections[:6]] == [("audio", "recvonly")] * 3 + [("video", "recvonly")] * 3
    assert offer.wants_data
    assert (offer.setup, len(offer.ice.password), offer.fingerprint.algorithm) == ("actpass", 24, "sha-256")


def test_of_chromiums_codecs_one_format_each_is_taken() -> None:
    video = parse(CHROMIUM_JOIN).sections[3]
    codecs = accepted_codecs(video)
    assert [codec.name for codec in codecs] == ["VP8", "H264"]
    assert codecs[0].rtx_payload_type == 97
    assert "42e01f" in codecs[1].format_parameters
    assert "packetization-mode=1" in codecs[1].format_parameters
    assert accepted_extensions(video)[MID] == 4


def test_chromiums_republished_simulcast_section() -> None:
    sections = {section.mid: section for section in parse(CHROMIUM_REPUBLISH).sections}
    assert sections["7"].direction == "inactive"
    assert sections["9"].sends
    assert sections["9"].rids == ("q", "h", "f")
    assert sections["9"].track_id == "0a9fdaf4-19d1-45e1-b571-b808433f79a1"


def test_firefoxs_bundle_only_sections_are_not_rejected() -> None:
    offer = parse(FIREFOX_JOIN)
    assert [section.rejected for section in offer.sections] == [False, False, False]
    video = offer.sections[1]
    assert video.sends
    assert video.ssrcs == (2345678901, 3456789012)
    assert video.rtx_ssrcs == {2345678901: 3456789012}
    vp8, h264 = accepted_codecs(video)
    assert (vp8.payload_type, vp8.rtx_payload_type) == (120, 124)
    assert (h264.payload_type, h264.rtx_payload_type) == (126, 127)


CHANGES = {
    "empty": (lambda text: "", "sdp-malformed"),
    "a word": (lambda text: "hello", "sdp-malformed"),
    "no media": (lambda text: text.split("m=")[0], "sdp-without-media"),
    "mid twice": (lambda text: text.replace("a=mid:1\n", "a=mid:0\n"), "sdp-duplicate-mid"),
    "no mid": (lambda text: text.replace("a=mid:1\n", ""), "sdp-malformed"),
    "outside the bundle": (lambda text: text.replace("BUNDLE 0 1 2", "BUNDLE 0 1"), "sdp-not-bundled"),
    "no fingerprint": (lambda text: text.replace("a=fingerprint", "a=fingerprinz"), "sdp-malformed"),
    "a short password": (lambda text: text.replace("ice-pwd:0d6f38a4b1c94ed6ab3e", "ice-pwd:x "), "sdp-malformed"),
    "an unknown setup": (lambda text: text.replace("a=setup:actpass", "a=setup:holdconn"), "sdp-malformed"),
    "a huge ssrc": (lambda text: text.replace("2345678901 cname", "99999999999 cname"), "sdp-malformed"),
    "a payload type of 300": (lambda text: text.replace("RTP/SAVPF 109", "RTP/SAVPF 300"), "sdp-malformed"),
    "digits of another script": (lambda text: text.replace("RTP/SAVPF 109", "RTP/SAVPF ١"), "sdp-malformed"),
    "an extension id twice": (lambda text: text.replace("a=extmap:4 ", "a=extmap:3 "), "sdp-malformed"),
    "plain RTP": (lambda text: text.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "sdp-unsupported"),
    "a text section": (lambda text: text.replace("m=audio", "m=text"), "sdp-unsupported"),
    "all rejected": (lambda text: text.replace("bundle-only", "x").replace("m=audio 9", "m=audio 0"), "sdp-without-media"),
    "a control character": (lambda text: text.replace("s=-", "s=\0"), "sdp-malformed"),
    "an endless line": (lambda text: text.replace("s=-", "s=" + "x" * 5000), "sdp-malformed"),
    "endless lines": (lambda text: text + "a=x\n" * 2000, "sdp-too-large"),
    "endless sections": (lambda text: text + "m=audio 0 UDP/TLS/RTP/SAVPF 0\n" * 300, "sdp-too-large"),
    "megabytes": (lambda text: text + "x" * 600_000, "sdp-too-large"),
}  # fmt: skip


@pytest.mark.parametrize(("change", "code"), CHANGES.values(), ids=CHANGES.keys())
def test_what_is_wrong_is_named(change: object, code: str) -> None:
    assert callable(change)
    with pytest.raises(NegotiationError) as caught:
        parse(change(FIREFOX_JOIN))
    assert caught.value.code == code


@settings(deadline=None)
@given(st.text(max_size=400))
def test_noise_never_does_more_than_raise_our_error(noise: str) -> None:
    with pytest.raises(NegotiationError):
        parse(noise)


LINES = FIREFOX_JOIN.splitlines()


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_mangled_offers_parse_or_raise_our_error(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        index = data.draw(st.integers(0, len(lines) - 1))
        match data.draw(st.sampled_from(["drop", "double", "cut", "replace", "swap"])):
            case "drop":
                lines.pop(index)
            case "double":
                lines.insert(index, lines[index])
            case "cut":
                lines[index] = lines[index][: data.draw(st.integers(0, 12))]
            case "replace":
                lines[index] = lines[index][:4] + data.draw(st.text(max_size=12))
            case "swap":
                other = data.draw(st.integers(0, len(lines) - 1))
                lines[index], lines[other] = lines[other], lines[index]
    try:
        description = parse("\n".join(lines))
    except NegotiationError:
        return
    for section in description.sections:
        for codec in accepted_codecs(section):
            assert 0 <= codec.payload_type <= 127


def test_what_we_write_reads_back() -> None:
    local = Local(
        IceCredentials("ufra", "a-password-of-22-chars".replace("-", "x")),
        Fingerprint("sha-256", ":".join(["AB"] * 32)),
        [Candidate("udp", "192.0.2.1", 7882, 100), Candidate("tcp", "192.0.2.1", 7881, 50)],
        "passive",
        3,
    )
    vp8 = Codec("VP8", 90_000, 96, 97)
    stream = SentStream("PA_x|camera", "TR_y", "PA_x", 11, 12)
    lines = [
        SectionLine("application", "0", "UDP/DTLS/SCTP"),
        SectionLine("video", "1", "UDP/TLS/RTP/SAVPF", "sendonly", (vp8,), {MID: 4}, sent=stream),
        SectionLine("video", "2", "UDP/TLS/RTP/SAVPF", "recvonly", (vp8,), {MID: 4}, rids=("q", "f")),
        SectionLine("audio", "3", "UDP/TLS/RTP/SAVPF", refused_payload="63"),
    ]  # fmt: skip
    text = render(local, lines)
    back = parse(text)
    assert text.endswith("\r\n")
    assert "a=candidate:2 1 tcp 50 192.0.2.1 7881 typ host tcptype passive\r\n" in text
    assert (back.ice, back.fingerprint, back.setup) == (local.ice, local.fingerprint, "passive")
    assert [section.rejected for section in back.sections] == [False, False, False, True]
    sent = back.sections[1]
    assert (sent.direction, sent.track_id, sent.ssrcs, sent.rtx_ssrcs) == ("sendonly", "TR_y", (11, 12), {11: 12})
    assert accepted_codecs(sent) == (vp8,)
    assert "a=simulcast:recv q;f" in text
