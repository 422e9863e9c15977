"""Frames and join requests, well formed and not."""

import base64
import gzip

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.protocol import models, rtc

from signaling.errors import MessageError
from signaling.messages import join_parameters, read_request, write


def wrapped(request: rtc.JoinRequest, *, compress: bool = True) -> str:
    body = request.SerializeToString()
    kind = rtc.WrappedJoinRequest.GZIP if compress else rtc.WrappedJoinRequest.NONE
    message = rtc.WrappedJoinRequest(compression=kind, join_request=gzip.compress(body) if compress else body)
    return base64.urlsafe_b64encode(message.SerializeToString()).decode().rstrip("=")


@pytest.mark.parametrize("compress", [True, False])
def test_a_join_request_in_either_wrapping(compress: bool) -> None:
    request = rtc.JoinRequest(
        client_info=models.ClientInfo(browser="Firefox"),
        connection_settings=rtc.ConnectionSettings(auto_subscribe=True),
        publisher_offer=rtc.SessionDescription(type="offer", sdp="v=0", id=1),
    )
    found = join_parameters({"join_request": wrapped(request, compress=compress)}, single_path=True, limit=10_000)
    assert (found.single, found.firefox, found.auto_subscribe, found.resume) == (True, True, True, False)
    assert found.offer is not None


def test_plain_parameters_of_the_older_path() -> None:
    query = {"reconnect": "1", "sid": "PA_x", "auto_subscribe": "0", "sdk": "python", "protocol": "16"}
    found = join_parameters(query, single_path=False, limit=10_000)
    assert (found.single, found.resume, found.sid, found.auto_subscribe) == (False, True, "PA_x", False)
    assert (found.client.sdk, found.client.protocol) == (models.ClientInfo.PYTHON, 16)


def bomb() -> str:
    body = gzip.compress(b"\0" * 50_000_000)
    message = rtc.WrappedJoinRequest(compression=rtc.WrappedJoinRequest.GZIP, join_request=body)
    return base64.urlsafe_b64encode(message.SerializeToString()).decode()


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "join-request-missing"),
        ("****", "join-request-malformed"),
        ("AAAA", "message-malformed"),
        ("a" * 300_000, "message-too-large"),
        (bomb(), "message-too-large"),
        (wrapped(rtc.JoinRequest(metadata="x" * 100))[:-20], "message-malformed"),
    ],
    ids=["missing", "no base64", "no message", "too long", "bomb", "cut"],
)
def test_bad_join_requests(text: str, code: str) -> None:
    with pytest.raises(MessageError) as caught:
        join_parameters({"join_request": text} if text else {}, single_path=True, limit=256 * 1024)
    assert caught.value.code == code


def test_requests_in_both_forms() -> None:
    request = rtc.SignalRequest(mute=rtc.MuteTrackRequest(sid="TR_x", muted=True))
    for json in (True, False):
        back, was_json = read_request(write(request, json=json), 1000)
        assert (back, was_json) == (request, json)


@settings(deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
def test_noise_is_a_request_or_our_error(noise: bytes | str) -> None:
    try:
        read_request(noise, 1000)
    except MessageError as error:
        assert error.code == "message-malformed"


@pytest.mark.parametrize("frame", ["[" * 100_000, '{"mute":' * 50_000, b"\x0a" * 100_000])
def test_deep_and_long_frames(frame: str | bytes) -> None:
    with pytest.raises(MessageError):
        read_request(frame, 1 << 20)
    with pytest.raises(MessageError, match="message-too-large"):
        read_request(frame, 1000)
