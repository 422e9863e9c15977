"""What can go wrong with cases, by who is to blame. Codes are stable; `web` maps them to sentences.

CasesError                 base
├── NotFoundError          cases.not-found         does not exist, or its existence is none of the actor's business
├── NotAllowedError        cases.not-allowed       visible, but the permission table says no
├── InvalidInputError      cases.invalid-input     what was typed; `.problems` names each field and its code
├── IllegalMoveError       cases.illegal-move      the case's state does not know this event
├── NoCommitteeError       cases.no-committee      no organisation here or above numbers mediation cases
├── ConflictingRecordError cases.record-differs    the sitting already has a record with another content
├── SignInRefusedError     cases.sign-in-refused   name or password is wrong; never says which
└── LockedOutError         cases.locked-out        too many failures; `.retry_after_s` says how long
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One field ("parties.0.name") and a stable code ("required", "too-long", "taken" …; see `cases.texts`)."""

    field: str
    code: str


class CasesError(Exception):
    """Base of this package's errors."""

    code = "cases.error"


class NotFoundError(CasesError):
    code = "cases.not-found"


class NotAllowedError(CasesError):
    code = "cases.not-allowed"


class InvalidInputError(CasesError):
    code = "cases.invalid-input"

    def __init__(self, *problems: Problem) -> None:
        super().__init__(", ".join(f"{problem.field}: {problem.code}" for problem in problems))
        self.problems = problems


class IllegalMoveError(CasesError):
    code = "cases.illegal-move"


class NoCommitteeError(CasesError):
    code = "cases.no-committee"


class ConflictingRecordError(CasesError):
    code = "cases.record-differs"


class SignInRefusedError(CasesError):
    code = "cases.sign-in-refused"


class LockedOutError(CasesError):
    code = "cases.locked-out"

    def __init__(self, retry_after_s: int) -> None:
        super().__init__(f"locked for {retry_after_s} s")
        self.retry_after_s = retry_after_s
