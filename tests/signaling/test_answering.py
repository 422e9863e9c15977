"""Which section carries what, offer after offer."""

import itertools

from media.ports import Fingerprint, IceCredentials, Kind
from signaling.answering import Publication, Role, SectionBook, Wanted
from signaling.ids import TrackSid
from signaling.sdp import Description, Format, Section
from signaling.sdp.grammar import Direction

OPUS = Format(111, "opus", 48_000, 2)
VP8, RTX = Format(96, "VP8", 90_000), Format(97, "rtx", 90_000, 1, "apt=96")
H264 = Format(102, "H264", 90_000, 1, "packetization-mode=1;profile-level-id=42e01f")


def section(mid: str, kind: Kind, direction: Direction, track: str = "", formats: tuple[Format, ...] = ()) -> Section:
    usual = (OPUS,) if kind == "audio" else (VP8, RTX, H264)
    protocol = "UDP/TLS/RTP/SAVPF"
    return Section(kind, mid, protocol, ("96",), False, direction, formats or usual, track_id=track)


def offer(*sections: Section) -> Description:
    return Description(IceCredentials("u", "p"), Fingerprint("sha-256", "AB"), "actpass", sections)


def video(name: str, codec: str = "VP8") -> Wanted:
    return Wanted(TrackSid(name), "video", codec)


def camera(name: str, cid: str = "", codec: str = "") -> Publication:
    return Publication(TrackSid(name), cid or name, "video", codec)


def roles(book: SectionBook, *args: object) -> list[tuple[str, str, str | None]]:
    review = book.review(*args)  # type: ignore[arg-type]  # forwarded as given
    return [(a.section.mid, a.role.value, a.track) for a in review.assignments]


def test_waiting_tracks_take_receiving_sections_of_their_kind_and_keep_them() -> None:
    book = SectionBook()
    sections = offer(section("0", "audio", "recvonly"), section("1", "video", "recvonly"), section("2", "video", "recvonly"))
    assert roles(book, sections, [], [video("TR_v")]) == [("0", "idle", None), ("1", "send", "TR_v"), ("2", "idle", None)]
    again = roles(book, sections, [], [video("TR_w"), video("TR_v")])
    assert again == [("0", "idle", None), ("1", "send", "TR_v"), ("2", "send", "TR_w")]


def test_missing_counts_only_what_idle_sections_cannot_carry() -> None:
    book = SectionBook()
    book.review(offer(section("0", "audio", "recvonly"), section("1", "video", "recvonly")), [], [])
    three = [video("TR_1"), video("TR_2"), Wanted(TrackSid("TR_a"), "audio", "opus")]
    assert book.missing(three) == (0, 1)


def test_a_freed_section_goes_inactive_once_before_it_is_used_again() -> None:
    book = SectionBook()
    sections = offer(section("1", "video", "recvonly"))
    book.review(sections, [], [video("TR_old")])
    assert book.release(TrackSid("TR_old"))
    first = book.review(sections, [], [video("TR_new")])
    assert (first.assignments[0].role, first.incomplete) == (Role.IDLE, True)
    second = book.review(sections, [], [video("TR_new")])
    assert (second.assignments[0].track, second.incomplete) == ("TR_new", False)


def test_a_codec_the_client_lacks_does_not_make_rounds_for_ever() -> None:
    book = SectionBook()
    sections = offer(section("1", "video", "recvonly", formats=(VP8,)))
    review = book.review(sections, [], [video("TR_h", "H264")])
    assert (review.assignments[0].role, review.incomplete) == (Role.IDLE, False)


def test_publications_are_found_by_their_id_and_otherwise_by_kind() -> None:
    book = SectionBook()
    sections = offer(section("5", "video", "sendonly", "cid-b"), section("6", "video", "sendonly", "{firefox}"))
    found = roles(book, sections, [camera("TR_a", "cid-a"), camera("TR_b", "cid-b")], [])
    assert found == [("5", "receive", "TR_b"), ("6", "receive", "TR_a")]


def test_an_unannounced_section_carries_nothing() -> None:
    assert roles(SectionBook(), offer(section("5", "video", "sendonly", "x")), [], []) == [("5", "idle", None)]


def test_the_codec_asked_for_is_the_only_one_answered() -> None:
    review = SectionBook().review(offer(section("5", "video", "sendonly", "c")), [camera("TR_a", "c", "h264")], [])
    assert [codec.name for codec in review.assignments[0].codecs] == ["H264"]


def test_unpublishing_is_a_section_that_stops_sending() -> None:
    book = SectionBook()
    book.review(offer(section("5", "video", "sendonly", "c")), [camera("TR_a", "c")], [])
    for direction in ("inactive", "recvonly"):
        copy = SectionBook(dict(book.receiving))
        assert copy.review(offer(section("5", "video", direction)), [camera("TR_a", "c")], []).ended == ("TR_a",)


def test_a_section_whose_publication_we_ended_takes_no_other_track() -> None:
    book = SectionBook()
    book.review(offer(section("5", "video", "sendonly", "c")), [camera("TR_a", "c")], [])
    still = offer(section("5", "video", "sendonly", "c"), section("6", "video", "sendonly", "d"))
    assert roles(book, still, [camera("TR_b", "d")], []) == [("5", "idle", None), ("6", "receive", "TR_b")]
    assert roles(book, still, [camera("TR_b", "d"), camera("TR_c", "e")], [])[0] == ("5", "idle", None)


def test_sections_without_a_codec_of_ours_are_refused() -> None:
    vp9 = Format(98, "VP9", 90_000)
    assert roles(SectionBook(), offer(section("5", "video", "sendonly", "c", (vp9,))), [camera("TR_a", "c")], []) == [
        ("5", "refused", None)
    ]


def test_no_track_is_ever_in_two_sections() -> None:
    """All orders of joining and leaving of three tracks over three offers."""
    sections = offer(*(section(str(n), "video", "recvonly") for n in range(3)))
    names = ["TR_1", "TR_2", "TR_3"]
    subsets = [c for size in range(4) for c in itertools.combinations(names, size)]
    for sequence in itertools.product(subsets, repeat=3):
        book = SectionBook()
        before: tuple[str, ...] = ()
        for wanted in sequence:
            for gone in set(before) - set(wanted):
                book.release(TrackSid(gone))
            review = book.review(sections, [], [video(name) for name in wanted])
            carried = [a.track for a in review.assignments if a.track]
            assert len(carried) == len(set(carried))
            assert set(carried) <= set(wanted)
            before = wanted
