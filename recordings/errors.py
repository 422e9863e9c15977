"""What can go wrong with records, by who is to blame.

    RecordingsError
    ├── GrantError          the caller's grant is forged, stale, too late, or for another room
    ├── IllegalMoveError    a programming error: this event cannot happen in this state of the gate
    ├── FolderError         the capture folder is missing, busy (another process writes it) or already finished
    ├── ChainError          a file does not match its chain
    ├── TimelineError       a timeline is not readable
    ├── SealError           the folder cannot be sealed
    └── KeyFileError        a signing key is missing, unreadable or readable by others

Every error carries a stable `code` for programs; sentences for people belong to the layers above.
"""

from __future__ import annotations


class RecordingsError(Exception):
    """Base of all errors of this package. `code` is stable and safe to log."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code


class GrantError(RecordingsError):
    """A grant was refused: "grant-invalid", "grant-expired", "grant-stale", "grant-other-room", "grant-closed"."""


class IllegalMoveError(RecordingsError):
    """An event that is impossible in the present state; nothing was changed ("illegal-move")."""


class FolderError(RecordingsError):
    """ "folder-missing", "folder-busy" or "folder-finished"."""


class ChainError(RecordingsError):
    """ "chain-broken", "chain-signature" or "chain-unreadable"."""


class TimelineError(RecordingsError):
    """ "timeline-unreadable"."""


class SealError(RecordingsError):
    """ "seal-unfinished" or "seal-damaged"."""


class KeyFileError(RecordingsError):
    """ "key-missing", "key-unreadable" or "key-exposed"."""
