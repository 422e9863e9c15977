"""Tokens taken back stay out; newer ones get in."""

import pytest

from signaling.revocations import Revocations


@pytest.mark.parametrize(
    ("revoked_at", "issued_at", "refused"),
    [(100, 99.0, True), (100, 100.0, True), (100, 101.0, False), (1_700_000_000_000, 1_700_000_000.0, True)],
)
def test_issue_time_decides(revoked_at: int, issued_at: float, refused: bool) -> None:
    table = Revocations(10)
    table.revoke("hall", "seat", revoked_at)
    assert table.revoked("hall", "seat", issued_at) is refused
    assert not table.revoked("cellar", "seat", issued_at)
    assert not table.revoked("hall", "seat-2", issued_at)


def test_an_earlier_revocation_does_not_weaken_a_later_one() -> None:
    table = Revocations(10)
    table.revoke("hall", "seat", 200)
    table.revoke("hall", "seat", 100)
    assert table.revoked("hall", "seat", 150)


def test_the_table_is_bounded_and_forgets_the_oldest() -> None:
    table = Revocations(2)
    for seat in ("a", "b", "c"):
        table.revoke("hall", seat, 100)
    assert [table.revoked("hall", seat, 50) for seat in ("a", "b", "c")] == [False, True, True]
