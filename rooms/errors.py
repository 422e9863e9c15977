"""Everything `rooms` may refuse, with a stable `code` for pages and programs; the sentence for people lives in `web`.

    RoomsError
    ├─ IllegalMoveError        a lifecycle has no such move in its present state
    ├─ NotFoundError           the id names nothing here: sitting, seat, attendee, text …
    ├─ BadTextError            a name or text is empty or too long
    ├─ SittingError            the sitting as a whole forbids it: ended, locked, full, on a break
    ├─ InvitationError         the link or code is unknown, ended, withdrawn, or guessed too often
    ├─ TicketError             the browser's ticket is unknown, retired, ended, foreign, or still waiting for admission
    ├─ SeatError               the seat is not where the act needs it: not admitted, room not ready, tab superseded
    ├─ ConsentError            the answer does not fit: stale text version, helper without kinship …
    └─ RecordingError          recording may not begin: never for this kind, or somebody has not said yes

An error changes nothing: the caller's transaction rolls back when it leaves the block.
"""

from __future__ import annotations


class RoomsError(Exception):
    """Base of all refusals of this package. `code` is stable; the message is for developers and names no person."""

    def __init__(self, code: str, message: str = "") -> None:
        super().__init__(message or code)
        self.code = code


class IllegalMoveError(RoomsError):
    """No such move: nothing has changed. `code` is `illegal-move`."""

    def __init__(self, lifecycle: str, state: str, event: str) -> None:
        super().__init__("illegal-move", f"{lifecycle}: {event} is not possible in state {state}")
        self.lifecycle = lifecycle
        self.state = state
        self.event = event


class NotFoundError(RoomsError):
    """`sitting-unknown`, `seat-unknown`, `attendee-unknown`, `text-unknown`, `room-unknown`,
    `message-unknown`."""


class BadTextError(RoomsError):
    """`<field>-empty` or `<field>-too-long`, where field is name, title, message, board, relation, kinship or text."""


class SittingError(RoomsError):
    """`sitting-ended`, `sitting-not-open`, `sitting-locked`, `room-full`."""


class InvitationError(RoomsError):
    """`invitation-unknown`, `invitation-ended`, `invitation-withdrawn`, `invitation-crowded`, `code-unknown`,
    `code-limited`."""


class TicketError(RoomsError):
    """`ticket-unknown`, `ticket-retired`, `ticket-ended`, `ticket-foreign`, `ticket-moved`."""


class SeatError(RoomsError):
    """`seat-removed`, `seat-not-admitted`, `seat-not-waiting`, `room-not-ready`, `node-unreachable`, `capture-open`,
    `tab-superseded`, `role-not-invited`, `too-many-seats`, `too-many-attendees`, `last-attendee`, `host-seat`."""


class ConsentError(RoomsError):
    """`consent-stale` (another version of the text is asked in this sitting), `consent-answer` (neither yes nor no)."""


class RecordingError(RoomsError):
    """`recording-never` (the kind of sitting or room forbids it), `recording-refused` (not every attendee said yes),
    `recording-break` (not during a break), `capture-unfinished` (sealing must wait)."""
