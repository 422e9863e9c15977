"""The permission table against one written independently: by role, from what each may and may never do."""

from __future__ import annotations

import itertools

import pytest

from cases.access import CasePosition, may, may_on_organisation, relations
from cases.actors import SYSTEM, Actor, ActorKind, Duty
from cases.permissions import EXCLUSIVE_ROLES, Action, Kind, Relation, Role, allowed

# One line per role and relation, in the words of the product's Roles table; on a mediation case, or an organisation.
MEDIATION = """
facilitator   own       case.file case.list
facilitator   assigned  case.list case.read_content case.visit sitting.attend
facilitator   sat-in    record.list record.play
mediator      own       case.file case.list case.settle case.triage case.take
mediator      below     case.file case.list case.settle case.triage case.take
mediator      assigned  case.list case.read_content case.edit case.involve case.conduct case.escalate case.withdraw
mediator      assigned  case.archive case.visit case.reopen sitting.open sitting.host sitting.attend caucus.open
mediator      assigned  caucus_notes.read minutes.write minutes.read record.list record.play record.verify audit.read
clerk         own       case.file case.list
clerk         below     case.file case.list
clerk         assigned  case.list case.read_content case.edit case.rate case.archive case.visit sitting.attend
clerk         assigned  minutes.write minutes.read record.list record.play record.verify
lawyer        assigned  case.list case.read_content sitting.attend privileged_notes.read
lawyer        sat-in    minutes.read record.list record.play record.verify
lead          own       case.file case.list case.triage case.assign case.involve case.escalate case.supervise case.reopen
lead          own       record.list statistics.read staff.list
lead          below     case.file case.list case.triage case.assign case.involve case.escalate case.supervise case.reopen
lead          below     record.list statistics.read staff.list
lead          assigned  case.list case.read_content sitting.attend minutes.read record.list record.play record.verify
lead          assigned  audit.read
officer       own
administrator own       staff.list staff.manage organisation.manage settings.manage
administrator below     staff.list staff.manage organisation.manage settings.manage
auditor       own       case.list record.list record.verify audit.read staff.list
auditor       below     case.list record.list record.verify audit.read staff.list
party         party     case.list case.withdraw case.rate sitting.attend minutes.read audit.read
party         sat-in    record.list record.play record.verify
"""

ABOUT_ORGANISATIONS = {"staff.list", "staff.manage", "organisation.manage", "settings.manage"}


def expected_on_mediation() -> set[tuple[str, str, str]]:
    rows: set[tuple[str, str, str]] = set()
    for line in MEDIATION.strip().splitlines():
        role, relation, *actions = line.split()
        rows.update((role, relation, action) for action in actions)
    return rows


def test_every_role_relation_and_action_on_a_mediation() -> None:
    expected = expected_on_mediation()
    asked = list(itertools.product(Role, Relation, Action))
    assert len(asked) == 9 * 5 * len(Action)
    for role, relation, action in asked:
        wanted = (role.value, relation.value, action.value) in expected
        assert allowed(action, role, relation) is wanted, (role, relation, action)
    assert {row[2] for row in expected} == {action.value for action in Action}


OFFICER = {"case.list", "case.read_content", "sitting.open", "sitting.host", "sitting.attend"}
LAWYER_IN_CONSULTATIONS = {"sitting.open", "sitting.host"}


def test_every_role_relation_and_action_on_supervision() -> None:
    """Officers with the persons assigned to them, auditors, and the person themselves; nobody else."""
    on_mediation = expected_on_mediation()
    for role, relation, action in itertools.product(Role, Relation, Action):
        same = (role.value, relation.value, action.value) in on_mediation
        if action.value in ABOUT_ORGANISATIONS or role in (Role.AUDITOR, Role.PARTY):
            wanted = same
        else:
            wanted = (role, relation) == (Role.OFFICER, Relation.ASSIGNED) and action.value in OFFICER
        assert allowed(action, role, relation, Kind.SUPERVISION) is wanted, (role, relation, action)


def test_every_role_relation_and_action_on_a_consultation() -> None:
    """Lawyers lead them, leads assign them; mediators, clerks, facilitators and officers have no part."""
    on_mediation = expected_on_mediation()
    part = (Role.LAWYER, Role.LEAD, Role.AUDITOR, Role.PARTY)
    for role, relation, action in itertools.product(Role, Relation, Action):
        wanted = (role.value, relation.value, action.value) in on_mediation
        wanted = wanted and (role in part or action.value in ABOUT_ORGANISATIONS)
        if (role, relation) == (Role.LAWYER, Relation.ASSIGNED) and action.value in LAWYER_IN_CONSULTATIONS:
            wanted = True
        assert allowed(action, role, relation, Kind.CONSULTATION) is wanted, (role, relation, action)


CONTENT = {"case.read_content", "record.play", "minutes.read", "caucus_notes.read", "privileged_notes.read"}


def test_position_in_the_tree_alone_never_opens_content() -> None:
    for role, relation, kind in itertools.product(Role, (Relation.OWN, Relation.BELOW), Kind):
        for action in Action:
            if action.value in CONTENT:
                assert not allowed(action, role, relation, kind)


@pytest.mark.parametrize(
    ("role", "never"),
    [
        (Role.FACILITATOR, {"caucus_notes.read", "minutes.read", "case.edit", "case.assign", "sitting.host"}),
        (Role.MEDIATOR, {"privileged_notes.read", "case.assign", "staff.manage"}),
        (Role.CLERK, {"caucus.open", "caucus_notes.read", "sitting.host"}),
        (Role.LAWYER, {"case.edit", "case.conduct", "caucus_notes.read", "minutes.write"}),
        (Role.LEAD, {"caucus.open", "caucus_notes.read", "privileged_notes.read", "case.conduct"}),
        (Role.ADMINISTRATOR, {action.value for action in Action} - ABOUT_ORGANISATIONS),
        (Role.AUDITOR, CONTENT | {"case.edit", "case.file", "staff.manage", "organisation.manage", "case.assign"}),
        (Role.PARTY, {"case.read_content", "case.edit", "sitting.host", "caucus_notes.read"}),
    ],
)
def test_what_a_role_may_never_do(role: Role, never: set[str]) -> None:
    for relation, kind, action in itertools.product(Relation, Kind, Action):
        if action.value in never:
            assert not allowed(action, role, relation, kind), (action, relation, kind)


COUNTY, TOWN, VILLAGE, OTHER = "/c/", "/c/t/", "/c/t/v/", "/c/o/"


def position(*paths: str, assigned: tuple[tuple[str, Role], ...] = (), present: tuple[str, ...] = ()) -> CasePosition:
    return CasePosition("case1", Kind.MEDIATION, frozenset(paths), frozenset(assigned), frozenset(present))


def person(*duties: tuple[Role, str]) -> Actor:
    return Actor("me", ActorKind.STAFF, "我", tuple(Duty(role, path, path) for role, path in duties))


M = Role.MEDIATOR


@pytest.mark.parametrize(
    ("duty", "at", "assigned", "present", "expected"),
    [
        (TOWN, (TOWN,), (), (), {Relation.OWN}),
        (TOWN, (VILLAGE,), (), (), {Relation.BELOW}),
        (COUNTY, (VILLAGE,), (), (), {Relation.BELOW}),
        (VILLAGE, (TOWN,), (), (), set()),
        (OTHER, (VILLAGE,), (), (), set()),
        (VILLAGE, (TOWN, VILLAGE), (), (), {Relation.OWN}),  # it has gone up, and still is this village's
        (TOWN, (TOWN, VILLAGE), (), (), {Relation.OWN, Relation.BELOW}),
        (TOWN, (TOWN,), (("me", M),), (), {Relation.OWN, Relation.ASSIGNED}),
        (TOWN, (TOWN,), (("me", Role.CLERK),), (), {Relation.OWN}),  # on the case, but in another role
        (TOWN, (TOWN,), (("you", M),), (), {Relation.OWN}),
        (OTHER, (TOWN,), (("me", M),), (), set()),  # assigned, but the duty no longer reaches the case
        (TOWN, (TOWN,), (("me", M),), ("me",), {Relation.OWN, Relation.ASSIGNED, Relation.SAT_IN}),
        (TOWN, (TOWN,), (), ("me",), {Relation.OWN}),  # sat in it, and has left the case since
    ],
)
def test_how_a_duty_stands_to_a_case(
    duty: str,
    at: tuple[str, ...],
    assigned: tuple[tuple[str, Role], ...],
    present: tuple[str, ...],
    expected: set[Relation],
) -> None:
    found = relations(person((M, duty)), position(*at, assigned=assigned, present=present))
    assert found == {(M, relation) for relation in expected}


def test_a_path_is_not_mistaken_for_one_that_begins_alike() -> None:
    assert relations(person((M, "/c/t/")), position("/c/tt/")) == frozenset()
    assert not may_on_organisation(person((Role.ADMINISTRATOR, "/c/t/")), Action.STAFF_MANAGE, "/c/tt/")


def test_several_duties_add_up_and_none_is_nothing() -> None:
    actor = person((Role.LEAD, TOWN), (Role.CLERK, OTHER))
    assert may(actor, Action.CASE_ASSIGN, position(VILLAGE))
    assert not may(actor, Action.CASE_ASSIGN, position(OTHER))
    assert may(actor, Action.CASE_LIST, position(OTHER))
    nobody = person()
    assert not any(may(nobody, action, position(VILLAGE, assigned=(("me", M),))) for action in Action)


def test_a_party_stands_to_the_own_case_only() -> None:
    party = Actor("me", ActorKind.PARTY, "我", case_id="case1")
    assert relations(party, position(VILLAGE)) == {(Role.PARTY, Relation.PARTY)}
    assert relations(party, position(VILLAGE, present=("me",))) == {
        (Role.PARTY, Relation.PARTY),
        (Role.PARTY, Relation.SAT_IN),
    }
    stranger = Actor("me", ActorKind.PARTY, "我", case_id="case2")
    assert relations(stranger, position(VILLAGE, present=("me",))) == frozenset()


def test_the_house_itself_has_no_rights() -> None:
    assert not any(may(SYSTEM, action, position(VILLAGE)) for action in Action)
    assert SYSTEM.audit_name == "system"


def test_roles_that_never_meet_in_one_person() -> None:
    assert {Role.ADMINISTRATOR, Role.AUDITOR, Role.OFFICER} == EXCLUSIVE_ROLES
