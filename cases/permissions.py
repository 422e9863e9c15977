"""Who may do what: one table of role × action × relation. Pure; nothing else in the house grants anything.

The law is the Roles table of the product: scope is always the intersection of role, organisation and assignment. Position in
the tree (OWN, BELOW) alone opens metadata; content (statements, media, notes) needs ASSIGNED. What is not written is
refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Role(StrEnum):
    """What somebody is, by a duty at an organisation (staff) or by a ticket (party)."""

    FACILITATOR = "facilitator"
    MEDIATOR = "mediator"
    CLERK = "clerk"
    LAWYER = "lawyer"
    OFFICER = "officer"
    LEAD = "lead"
    ADMINISTRATOR = "administrator"
    AUDITOR = "auditor"
    PARTY = "party"


class Kind(StrEnum):
    """What a case is about."""

    MEDIATION = "mediation"
    CONSULTATION = "consultation"
    SUPERVISION = "supervision"


class Relation(StrEnum):
    """How an actor stands to a case, a record or an organisation.

    OWN: it belongs to the duty's organisation. BELOW: to one under it. ASSIGNED: put on the case in this role, which the
    duty's organisation must reach. SAT_IN: assigned (or party) and present in the sitting asked about. PARTY: a party of
    the case.
    """

    OWN = "own"
    BELOW = "below"
    ASSIGNED = "assigned"
    SAT_IN = "sat-in"
    PARTY = "party"


class Action(StrEnum):
    """Everything that is asked of the table."""

    CASE_FILE = "case.file"
    CASE_LIST = "case.list"
    CASE_READ_CONTENT = "case.read_content"
    CASE_EDIT = "case.edit"
    CASE_SETTLE = "case.settle"
    CASE_TRIAGE = "case.triage"
    CASE_TAKE = "case.take"
    CASE_ASSIGN = "case.assign"
    CASE_INVOLVE = "case.involve"
    CASE_CONDUCT = "case.conduct"
    CASE_ESCALATE = "case.escalate"
    CASE_SUPERVISE = "case.supervise"
    CASE_WITHDRAW = "case.withdraw"
    CASE_RATE = "case.rate"
    CASE_ARCHIVE = "case.archive"
    CASE_VISIT = "case.visit"
    CASE_REOPEN = "case.reopen"
    SITTING_OPEN = "sitting.open"
    SITTING_HOST = "sitting.host"
    SITTING_ATTEND = "sitting.attend"
    CAUCUS_OPEN = "caucus.open"
    CAUCUS_NOTES_READ = "caucus_notes.read"
    PRIVILEGED_NOTES_READ = "privileged_notes.read"
    MINUTES_WRITE = "minutes.write"
    MINUTES_READ = "minutes.read"
    RECORD_LIST = "record.list"
    RECORD_PLAY = "record.play"
    RECORD_VERIFY = "record.verify"
    AUDIT_READ = "audit.read"
    STATISTICS_READ = "statistics.read"
    STAFF_LIST = "staff.list"
    STAFF_MANAGE = "staff.manage"
    ORGANISATION_MANAGE = "organisation.manage"
    SETTINGS_MANAGE = "settings.manage"


_OWN = frozenset({Relation.OWN})
_TREE = frozenset({Relation.OWN, Relation.BELOW})
_ASSIGNED = frozenset({Relation.ASSIGNED})
_SAT_IN = frozenset({Relation.SAT_IN})
_PARTY = frozenset({Relation.PARTY})

TABLE: Mapping[Action, Mapping[Role, frozenset[Relation]]] = {
    Action.CASE_FILE: {
        Role.FACILITATOR: _OWN,
        Role.MEDIATOR: _TREE,
        Role.CLERK: _TREE,
        Role.LEAD: _TREE,
    },
    Action.CASE_LIST: {
        Role.FACILITATOR: _OWN | _ASSIGNED,
        Role.MEDIATOR: _TREE | _ASSIGNED,
        Role.CLERK: _TREE | _ASSIGNED,
        Role.LAWYER: _ASSIGNED,
        Role.OFFICER: _ASSIGNED,
        Role.LEAD: _TREE | _ASSIGNED,
        Role.AUDITOR: _TREE,
        Role.PARTY: _PARTY,
    },
    Action.CASE_READ_CONTENT: {
        Role.FACILITATOR: _ASSIGNED,
        Role.MEDIATOR: _ASSIGNED,
        Role.CLERK: _ASSIGNED,
        Role.LAWYER: _ASSIGNED,
        Role.OFFICER: _ASSIGNED,
        Role.LEAD: _ASSIGNED,
    },
    Action.CASE_EDIT: {Role.MEDIATOR: _ASSIGNED, Role.CLERK: _ASSIGNED},
    Action.CASE_SETTLE: {Role.MEDIATOR: _TREE},
    Action.CASE_TRIAGE: {Role.MEDIATOR: _TREE, Role.LEAD: _TREE},
    Action.CASE_TAKE: {Role.MEDIATOR: _TREE},
    Action.CASE_ASSIGN: {Role.LEAD: _TREE},
    Action.CASE_INVOLVE: {Role.MEDIATOR: _ASSIGNED, Role.LEAD: _TREE},
    Action.CASE_CONDUCT: {Role.MEDIATOR: _ASSIGNED},
    Action.CASE_ESCALATE: {Role.MEDIATOR: _ASSIGNED, Role.LEAD: _TREE},
    Action.CASE_SUPERVISE: {Role.LEAD: _TREE},
    Action.CASE_WITHDRAW: {Role.MEDIATOR: _ASSIGNED, Role.PARTY: _PARTY},
    Action.CASE_RATE: {Role.CLERK: _ASSIGNED, Role.PARTY: _PARTY},
    Action.CASE_ARCHIVE: {Role.MEDIATOR: _ASSIGNED, Role.CLERK: _ASSIGNED},
    Action.CASE_VISIT: {Role.FACILITATOR: _ASSIGNED, Role.MEDIATOR: _ASSIGNED, Role.CLERK: _ASSIGNED},
    Action.CASE_REOPEN: {Role.MEDIATOR: _ASSIGNED, Role.LEAD: _TREE},
    Action.SITTING_OPEN: {Role.MEDIATOR: _ASSIGNED, Role.LAWYER: _ASSIGNED, Role.OFFICER: _ASSIGNED},
    Action.SITTING_HOST: {Role.MEDIATOR: _ASSIGNED, Role.LAWYER: _ASSIGNED, Role.OFFICER: _ASSIGNED},
    Action.SITTING_ATTEND: {
        Role.FACILITATOR: _ASSIGNED,
        Role.MEDIATOR: _ASSIGNED,
        Role.CLERK: _ASSIGNED,
        Role.LAWYER: _ASSIGNED,
        Role.OFFICER: _ASSIGNED,
        Role.LEAD: _ASSIGNED,
        Role.PARTY: _PARTY,
    },
    Action.CAUCUS_OPEN: {Role.MEDIATOR: _ASSIGNED},
    Action.CAUCUS_NOTES_READ: {Role.MEDIATOR: _ASSIGNED},
    Action.PRIVILEGED_NOTES_READ: {Role.LAWYER: _ASSIGNED},
    Action.MINUTES_WRITE: {Role.MEDIATOR: _ASSIGNED, Role.CLERK: _ASSIGNED},
    Action.MINUTES_READ: {
        Role.MEDIATOR: _ASSIGNED,
        Role.CLERK: _ASSIGNED,
        Role.LAWYER: _SAT_IN,
        Role.LEAD: _ASSIGNED,
        Role.PARTY: _PARTY,
    },
    Action.RECORD_LIST: {
        Role.FACILITATOR: _SAT_IN,
        Role.MEDIATOR: _ASSIGNED,
        Role.CLERK: _ASSIGNED,
        Role.LAWYER: _SAT_IN,
        Role.LEAD: _TREE | _ASSIGNED,
        Role.AUDITOR: _TREE,
        Role.PARTY: _SAT_IN,
    },
    Action.RECORD_PLAY: {
        Role.FACILITATOR: _SAT_IN,
        Role.MEDIATOR: _ASSIGNED,
        Role.CLERK: _ASSIGNED,
        Role.LAWYER: _SAT_IN,
        Role.LEAD: _ASSIGNED,
        Role.PARTY: _SAT_IN,
    },
    Action.RECORD_VERIFY: {
        Role.MEDIATOR: _ASSIGNED,
        Role.CLERK: _ASSIGNED,
        Role.LAWYER: _SAT_IN,
        Role.LEAD: _ASSIGNED,
        Role.AUDITOR: _TREE,
        Role.PARTY: _SAT_IN,
    },
    Action.AUDIT_READ: {
        Role.MEDIATOR: _ASSIGNED,
        Role.LEAD: _ASSIGNED,
        Role.AUDITOR: _TREE,
        Role.PARTY: _PARTY,
    },
    Action.STATISTICS_READ: {Role.LEAD: _TREE},
    Action.STAFF_LIST: {Role.LEAD: _TREE, Role.ADMINISTRATOR: _TREE, Role.AUDITOR: _TREE},
    Action.STAFF_MANAGE: {Role.ADMINISTRATOR: _TREE},
    Action.ORGANISATION_MANAGE: {Role.ADMINISTRATOR: _TREE},
    Action.SETTINGS_MANAGE: {Role.ADMINISTRATOR: _TREE},
}

# Mediators never see supervision files, officers never mediation content; the auditor sees the chains of all.
KINDS: Mapping[Role, frozenset[Kind]] = {
    Role.FACILITATOR: frozenset({Kind.MEDIATION}),
    Role.MEDIATOR: frozenset({Kind.MEDIATION}),
    Role.CLERK: frozenset({Kind.MEDIATION}),
    Role.LAWYER: frozenset({Kind.MEDIATION, Kind.CONSULTATION}),
    Role.OFFICER: frozenset({Kind.SUPERVISION}),
    Role.LEAD: frozenset({Kind.MEDIATION, Kind.CONSULTATION}),
    Role.ADMINISTRATOR: frozenset(),
    Role.AUDITOR: frozenset(Kind),
    Role.PARTY: frozenset(Kind),
}

# A lawyer leads consultations only: in a mediation they are a neutral adviser, never the host.
_CONSULTATIONS_ONLY = frozenset({(Role.LAWYER, Action.SITTING_OPEN), (Role.LAWYER, Action.SITTING_HOST)})

# These are about organisations, where no kind of case matters.
_WITHOUT_KIND = frozenset({Action.STAFF_LIST, Action.STAFF_MANAGE, Action.ORGANISATION_MANAGE, Action.SETTINGS_MANAGE})

# Nobody holds one of these together with any other role: each may never do what the others are for.
EXCLUSIVE_ROLES = frozenset({Role.ADMINISTRATOR, Role.AUDITOR, Role.OFFICER})


def relations_for(action: Action, role: Role) -> frozenset[Relation]:
    """The relations in which `role` may do `action`; empty means never."""
    return TABLE[action].get(role, frozenset())


def kinds_for(action: Action, role: Role) -> frozenset[Kind]:
    """The kinds of case on which `role` may do `action` at all."""
    if (role, action) in _CONSULTATIONS_ONLY:
        return frozenset({Kind.CONSULTATION})
    return frozenset(Kind) if action in _WITHOUT_KIND else KINDS[role]


def allowed(action: Action, role: Role, relation: Relation, kind: Kind = Kind.MEDIATION) -> bool:
    """Whether the table lets `role`, standing in `relation` to it, do `action` on a case of `kind`."""
    return relation in relations_for(action, role) and kind in kinds_for(action, role)
