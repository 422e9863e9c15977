"""The tables of this package: `people` (organisations, staff, logins) and `files` (cases, parties, time line, records)."""

from cases.models.files import (
    PLACE_CHARACTERS,
    TEXT_CHARACTERS,
    TITLE_CHARACTERS,
    Case,
    CaseEvent,
    CaseNumber,
    CaseSearch,
    CaseStaff,
    Party,
    Record,
    RecordPresence,
)
from cases.models.people import ID, NAME_CHARACTERS, Assignment, Login, Organisation, SignInFailure, Staff

__all__ = [
    "ID",
    "NAME_CHARACTERS",
    "PLACE_CHARACTERS",
    "TEXT_CHARACTERS",
    "TITLE_CHARACTERS",
    "Assignment",
    "Case",
    "CaseEvent",
    "CaseNumber",
    "CaseSearch",
    "CaseStaff",
    "Login",
    "Organisation",
    "Party",
    "Record",
    "RecordPresence",
    "SignInFailure",
    "Staff",
]
