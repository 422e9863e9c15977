"""The lifecycles against tables written by hand from the product's text, not from the code: every state with every event.

A cell is the next state; "·" is an illegal move. After "/" stand the effects, one letter each.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import Any

import pytest

from rooms.errors import IllegalMoveError
from rooms.lifecycles import consent, lease, recording, seat, sitting
from rooms.lifecycles.table import Table

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)

SITTING = """
              open  cancel     rest     go-on   close    begin-seal  seal    fail-seal
scheduled     open  cancelled  ·        ·       ·        ·           ·       ·
open          ·     ·          break/P  ·       ended/FO ·           ·       ·
break         ·     ·          ·        open/R  ended/FO ·           ·       ·
ended         ·     ·          ·        ·       ·        sealing     ·       ·
sealing       ·     ·          ·        ·       ·        sealing     sealed  seal-failed
sealed        ·     ·          ·        ·       ·        ·           ·       ·
seal-failed   ·     ·          ·        ·       ·        sealing     ·       ·
cancelled     ·     ·          ·        ·       ·        ·           ·       ·
"""
SITTING_EFFECTS = {
    "P": sitting.Effect.PAUSE_RECORDING,
    "R": sitting.Effect.RESUME_RECORDING,
    "F": sitting.Effect.FINISH_CAPTURE,
    "O": sitting.Effect.SEND_ALL_OUT,
}

SEAT = """
           arrive    return    depart  admit      send-back connect   drop    hang-up lapse  remove    retire
invited    lobby     ·         ·       admitted   ·         ·         ·       ·       ·      removed   retired
lobby      lobby     ·         invited admitted   ·         ·         ·       ·       ·      removed   retired
admitted   lobby/X   admitted  ·       admitted/X lobby/X   connected ·       left/X  left/X removed/X retired/X
connected  connected connected ·       admitted/X lobby/X   connected dropped left/X  ·      removed/X retired/X
dropped    lobby/X   dropped   ·       admitted/X lobby/X   connected ·       left/X  left/X removed/X retired/X
left       lobby     admitted  ·       admitted   ·         ·         ·       ·       ·      removed   retired
removed    ·         ·         ·       ·          ·         ·         ·       ·       ·      ·         retired
retired    ·         ·         ·       ·          ·         ·         ·       ·       ·      ·         ·
"""
SEAT_EFFECTS = {"X": seat.Effect.EXPEL}

CONSENT = """
           say-yes  say-no      withdraw
unasked    yes      no/S        ·
yes        yes      withdrawn/S withdrawn/S
no         yes      no/S        ·
withdrawn  yes      withdrawn/S withdrawn/S
"""
CONSENT_EFFECTS = {"S": consent.Effect.STOP_RECORDING}

RECORDING = """
           ask     start      opened      shut     rest      go-on      object     stop       fail      finish
off        asking  starting/G ·           ·        ·         ·          ·          ·          ·         off
asking     asking  starting/G ·           ·        ·         ·          stopped    off        ·         off
starting   ·       ·          recording/C paused/O paused/VO ·          stopped/VO stopped/VO failed/VO stopped/C
recording  ·       ·          recording   paused/O paused/VO ·          stopped/VO stopped/VO failed/VO stopped/C
paused     ·       ·          recording/C paused/O paused/VO starting/G stopped/VO stopped/VO failed/VO stopped/C
stopped    asking  starting/G ·           ·        ·         ·          ·          ·          ·         stopped/C
failed     asking  starting/G ·           ·        ·         ·          ·          stopped    ·         failed/C
"""
RECORDING_EFFECTS = {
    "G": recording.Effect.GRANT,
    "V": recording.Effect.REVOKE,
    "O": recording.Effect.OPEN_GAP,
    "C": recording.Effect.CLOSE_GAP,
}

LEASE = """
           want   send    answer    miss      revoke    revoked finish    finished
none       wanted ·       ·         ·         none      ·       finished  ·
wanted     wanted wanted  held      wanted    revoking  ·       finishing ·
held       held   held    held      held      revoking  ·       finishing ·
revoking   ·      ·       revoking  revoking  revoking  revoked finishing ·
revoked    wanted ·       revoking  revoked   revoked   ·       finishing ·
finishing  ·      ·       finishing finishing finishing ·       finishing finished
finished   ·      ·       finishing finished  finished  ·       finished  ·
"""

Cells = Mapping[tuple[str, str], tuple[str, str] | None]


def cells(text: str) -> Cells:
    """{(state, event): (next state, effect letters) or None when illegal}."""
    header, *rows = [line.split() for line in text.strip().splitlines()]
    found: dict[tuple[str, str], tuple[str, str] | None] = {}
    for state, *values in rows:
        assert len(values) == len(header), state
        for event, value in zip(header, values, strict=True):
            to, _, letters = value.partition("/")
            found[state, event] = None if value == "·" else (to, letters)
    return found


def check(table: Table[Any, Any, Any], states: type[Enum], events: type[Enum], text: str, letters: dict[str, Any]) -> None:
    expected = cells(text)
    assert set(expected) == {(state.value, event.value) for state in states for event in events}
    for state in states:
        for event in events:
            cell = expected[state.value, event.value]
            if cell is None:
                with pytest.raises(IllegalMoveError) as refusal:
                    table.step(state, event)
                assert (refusal.value.state, refusal.value.event) == (state.value, event.value)
                assert refusal.value.code == "illegal-move"
            else:
                move = table.step(state, event)
                assert (move.to.value, move.effects) == (cell[0], tuple(letters[letter] for letter in cell[1])), (
                    state,
                    event,
                )


def test_every_move_of_a_sitting() -> None:
    check(sitting.TABLE, sitting.State, sitting.Event, SITTING, SITTING_EFFECTS)


def test_every_move_of_a_seat() -> None:
    check(seat.TABLE, seat.State, seat.Event, SEAT, SEAT_EFFECTS)


def test_every_move_of_an_answer() -> None:
    check(consent.TABLE, consent.State, consent.Event, CONSENT, CONSENT_EFFECTS)


def test_every_move_of_a_recording() -> None:
    check(recording.TABLE, recording.State, recording.Event, RECORDING, RECORDING_EFFECTS)


def test_every_move_of_a_lease() -> None:
    check(lease.TABLE, lease.State, lease.Event, LEASE, {})


def test_a_dropped_seat_is_held_for_ten_minutes() -> None:
    connected = seat.Seat(seat.State.CONNECTED)
    dropped, _ = seat.step(connected, seat.Event.DROP, NOW)
    assert dropped == seat.Seat(seat.State.DROPPED, NOW + timedelta(minutes=10))

    just_in_time = NOW + timedelta(minutes=9, seconds=59)
    assert seat.step(dropped, seat.Event.ARRIVE, just_in_time) == (dropped, ())
    with pytest.raises(IllegalMoveError):
        seat.step(dropped, seat.Event.LAPSE, just_in_time)

    too_late = NOW + timedelta(minutes=10)
    assert seat.step(dropped, seat.Event.ARRIVE, too_late) == (seat.Seat(seat.State.LOBBY), (seat.Effect.EXPEL,))
    assert seat.step(dropped, seat.Event.LAPSE, too_late) == (seat.Seat(seat.State.LEFT), (seat.Effect.EXPEL,))


def test_who_hung_up_returns_with_one_tap_for_ten_minutes() -> None:
    left, effects = seat.step(seat.Seat(seat.State.CONNECTED), seat.Event.HANG_UP, NOW)
    assert effects == (seat.Effect.EXPEL,)
    back, _ = seat.step(left, seat.Event.ARRIVE, NOW + timedelta(minutes=5))
    assert back.state is seat.State.ADMITTED
    assert seat.step(left, seat.Event.ARRIVE, NOW + timedelta(minutes=10))[0].state is seat.State.LOBBY


def test_reloading_again_and_again_does_not_keep_a_seat_for_ever() -> None:
    admitted, _ = seat.step(seat.Seat(seat.State.LOBBY), seat.Event.ADMIT, NOW)
    later = NOW + timedelta(minutes=9)
    reloaded, _ = seat.step(admitted, seat.Event.ARRIVE, later)
    assert reloaded.held_until == NOW + timedelta(minutes=10)
    assert seat.step(reloaded, seat.Event.ARRIVE, NOW + timedelta(minutes=10))[0].state is seat.State.LOBBY


def test_a_connection_ends_the_hold() -> None:
    dropped = seat.Seat(seat.State.DROPPED, NOW + timedelta(minutes=1))
    assert seat.step(dropped, seat.Event.CONNECT, NOW)[0] == seat.Seat(seat.State.CONNECTED)


def test_nothing_but_the_end_of_the_break_opens_a_gate_closed_for_it() -> None:
    resting = recording.Recording(recording.State.PAUSED, recording.Cause.BREAK)
    assert not resting.leased
    for event in (recording.Event.OPENED, recording.Event.SHUT):
        with pytest.raises(IllegalMoveError):
            recording.step(resting, event)
    after, effects = recording.step(resting, recording.Event.GO_ON)
    assert (after.state, effects) == (recording.State.STARTING, (recording.Effect.GRANT,))


def test_the_end_of_a_break_does_not_start_what_the_break_did_not_pause() -> None:
    blocked = recording.Recording(recording.State.PAUSED, recording.Cause.STRANGER)
    with pytest.raises(IllegalMoveError):
        recording.step(blocked, recording.Event.GO_ON)


def test_the_end_of_the_sitting_keeps_the_reason_of_an_earlier_end() -> None:
    failed = recording.Recording(recording.State.FAILED, recording.Cause.DISK_FULL)
    assert recording.step(failed, recording.Event.FINISH, recording.Cause.ENDED)[0] == failed
    running = recording.Recording(recording.State.RECORDING)
    ended = recording.step(running, recording.Event.FINISH, recording.Cause.ENDED)[0]
    assert ended == recording.Recording(recording.State.STOPPED, recording.Cause.ENDED)


def test_one_grant_at_a_time() -> None:
    wanted = lease.step(lease.Lease(lease.State.NONE), lease.Event.WANT, NOW)
    sent = lease.step(wanted, lease.Event.SEND, NOW)
    assert sent.expires_at == NOW + timedelta(seconds=30)
    with pytest.raises(IllegalMoveError):
        lease.step(sent, lease.Event.SEND, NOW + timedelta(seconds=1))
    given_up = NOW + lease.ANSWER_WITHIN
    assert lease.step(sent, lease.Event.SEND, given_up).expires_at == given_up + timedelta(seconds=30)


def test_a_revocation_does_not_count_while_an_older_grant_can_still_arrive() -> None:
    wanted = lease.step(lease.Lease(lease.State.NONE), lease.Event.WANT, NOW)
    revoking = lease.step(lease.step(wanted, lease.Event.SEND, NOW), lease.Event.REVOKE, NOW)
    with pytest.raises(IllegalMoveError):
        lease.step(revoking, lease.Event.REVOKED, NOW)
    assert not revoking.harmless(NOW)
    answered = lease.step(revoking, lease.Event.ANSWER, NOW)
    assert not answered.harmless(NOW)
    closed = lease.step(answered, lease.Event.REVOKED, NOW)
    assert closed == lease.Lease(lease.State.REVOKED)
    assert closed.harmless(NOW)


def test_an_answer_that_comes_after_it_was_given_up_must_be_closed_again() -> None:
    late = lease.step(lease.Lease(lease.State.REVOKED), lease.Event.ANSWER, NOW)
    assert late.state is lease.State.REVOKING
    assert not late.harmless(NOW)
    assert late.harmless(NOW + timedelta(seconds=30) + lease.ANSWER_WITHIN)


def test_a_silent_capture_stops_counting_when_its_lease_has_run_out() -> None:
    wanted = lease.step(lease.Lease(lease.State.NONE), lease.Event.WANT, NOW)
    revoking = lease.step(lease.step(wanted, lease.Event.SEND, NOW), lease.Event.REVOKE, NOW)
    assert not revoking.harmless(NOW + timedelta(seconds=30))
    assert revoking.harmless(NOW + timedelta(seconds=30) + lease.ANSWER_WITHIN)


def test_a_lease_that_never_went_out_is_harmless_unless_it_is_on_its_way() -> None:
    wanted = lease.step(lease.Lease(lease.State.NONE), lease.Event.WANT, NOW)
    assert wanted.harmless(NOW)
    assert not lease.step(wanted, lease.Event.SEND, NOW).harmless(NOW)
