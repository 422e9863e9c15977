"""The server's own offers in dual mode: slots keep their place, and freed ones rest for a round."""

import pytest

from media.ports import Fingerprint, IceCredentials
from signaling.answering import Wanted
from signaling.errors import NegotiationError
from signaling.ids import TrackSid
from signaling.offering import SlotBook
from signaling.sdp import Description, Format, Section
from signaling.sdp.grammar import Direction


def wanted(*names: str) -> list[Wanted]:
    return [Wanted(TrackSid(name), "video", "VP8") for name in names]


def answer(*mids: str, direction: Direction = "recvonly", codec: str = "VP8", setup: str = "active") -> Description:
    data = Section("application", "0", "UDP/DTLS/SCTP", ("x",), False, "inactive")
    media = [
        Section("video", mid, "UDP/TLS/RTP/SAVPF", ("96",), False, direction, (Format(96, codec, 90_000),)) for mid in mids
    ]
    return Description(IceCredentials("u", "p"), Fingerprint("sha-256", "AB"), setup, (data, *media))


def test_slots_are_given_once_and_kept() -> None:
    book = SlotBook()
    assert [slot.mid for slot in book.assign(wanted("TR_1", "TR_2"))] == ["1", "2"]
    assert book.assign(wanted("TR_1", "TR_2")) == []


def test_a_freed_slot_rests_for_one_offer_and_is_then_marked_as_reused() -> None:
    book = SlotBook()
    book.assign(wanted("TR_1"))
    assert book.release(TrackSid("TR_1"))
    assert not book.release(TrackSid("TR_1"))
    assert [(slot.mid, slot.reused) for slot in book.assign(wanted("TR_2"))] == [("2", False)]
    assert [(slot.mid, slot.reused) for slot in book.assign(wanted("TR_2", "TR_3"))] == [("1", True)]


@pytest.mark.parametrize(("direction", "codec"), [("inactive", "VP8"), ("recvonly", "VP9")])
def test_what_the_answer_does_not_take(direction: Direction, codec: str) -> None:
    book = SlotBook()
    book.assign(wanted("TR_1"))
    assert book.refused(answer("1", direction=direction, codec=codec)) == ["TR_1"]
    assert book.refused(answer("1")) == []


def test_an_answer_must_mirror_the_offer() -> None:
    book = SlotBook()
    book.assign(wanted("TR_1"))
    for wrong in (answer(), answer("1", "2"), answer("2")):
        with pytest.raises(NegotiationError, match="sdp-answer-mismatch"):
            book.refused(wrong)
    with pytest.raises(NegotiationError, match="sdp-unsupported"):
        book.refused(answer("1", setup="passive"))
