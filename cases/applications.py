"""The application form: what a mediation case is filed with. Pure checking, no database.

Fields are those of the application (parties' name, sex, ethnicity, age, occupation, contact, address; facts; requests;
statement of free will). Parties may be organisations with legal representative and credit code (GB 32100-2015), minors or
wards with a guardian, and anyone may be represented with a general or special authority (Civil Procedure Law art. 62).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from stdnum.cn import uscc
from stdnum.exceptions import ValidationError

from cases.models import NAME_CHARACTERS, PLACE_CHARACTERS, TEXT_CHARACTERS, TITLE_CHARACTERS
from cases.texts import Checker

PARTIES_MOST = 20
ADULT_AGE = 18
FREE_WILL_VERSION = "2026-1"


class Side(StrEnum):
    APPLICANT = "applicant"
    RESPONDENT = "respondent"
    THIRD = "third"


class PartyKind(StrEnum):
    PERSON = "person"
    ORGANISATION = "organisation"


class Sex(StrEnum):
    MALE = "male"
    FEMALE = "female"


class Capacity(StrEnum):
    """FULL, or who needs a guardian: MINOR (under 18) and WARD."""

    FULL = "full"
    MINOR = "minor"
    WARD = "ward"


class Authority(StrEnum):
    """What an agent may do: speak (GENERAL), or also concede and settle (SPECIAL)."""

    GENERAL = "general"
    SPECIAL = "special"


class CaseLevel(StrEnum):
    """Who handles it: village within 3 days, town within 7, county within 15."""

    VILLAGE = "village"
    TOWN = "town"
    COUNTY = "county"


class Category(StrEnum):
    NEIGHBOURS = "neighbours"
    FAMILY = "family"
    INHERITANCE = "inheritance"
    LAND = "land"
    HOMESTEAD = "homestead"
    CONTRACT = "contract"
    DEBT = "debt"
    LABOUR = "labour"
    DAMAGE = "damage"
    PROPERTY_SERVICE = "property-service"
    OTHER = "other"


class Urgency(StrEnum):
    """URGENT: at once. GENERAL: within a week. COMPLEX: within a month."""

    URGENT = "urgent"
    GENERAL = "general"
    COMPLEX = "complex"


class Channel(StrEnum):
    """How the matter came in."""

    VISIT = "visit"
    TELEPHONE = "telephone"
    KIOSK = "kiosk"
    ONLINE = "online"
    PATROL = "patrol"
    REFERRED = "referred"


@dataclass(frozen=True)
class PartyDetails:
    """One party as typed. What does not apply stays empty; `id` names a party that is already in the case."""

    side: str
    name: str
    kind: str = PartyKind.PERSON
    phone: str = ""
    address: str = ""
    sex: str = ""
    ethnicity: str = ""
    age: int | str | None = None
    occupation: str = ""
    credit_code: str = ""
    legal_representative: str = ""
    capacity: str = Capacity.FULL
    guardian_name: str = ""
    guardian_relation: str = ""
    guardian_phone: str = ""
    agent_name: str = ""
    agent_relation: str = ""
    agent_phone: str = ""
    agent_authority: str = ""
    id: str = ""


@dataclass(frozen=True)
class Application:
    """A mediation case as typed. `origin_id` is the organisation where it arose, empty for the one that files it."""

    organisation_id: str
    title: str
    facts: str
    requests: str
    place: str
    parties: tuple[PartyDetails, ...]
    free_will: bool
    level: str = CaseLevel.VILLAGE
    category: str = Category.OTHER
    urgency: str = Urgency.GENERAL
    channel: str = Channel.VISIT
    origin_id: str = ""


def checked(application: Application, *, brief: bool = False) -> Application:
    """The same application with clean values. Raises `InvalidInputError` naming every field at fault.

    `brief` is for matters settled at once: addresses, personal data and requests may stay empty there.
    """
    checker = Checker()
    clean = replace(
        application,
        title=checker.line("title", application.title, TITLE_CHARACTERS, required=True),
        facts=checker.long_text("facts", application.facts, TEXT_CHARACTERS, required=True),
        requests=checker.long_text("requests", application.requests, TEXT_CHARACTERS, required=not brief),
        place=checker.line("place", application.place, PLACE_CHARACTERS, required=not brief),
        level=checker.choice("level", application.level, CaseLevel),
        category=checker.choice("category", application.category, Category),
        urgency=checker.choice("urgency", application.urgency, Urgency),
        channel=checker.choice("channel", application.channel, Channel),
        parties=tuple(
            _party(checker, f"parties.{number}", party, brief)
            for number, party in enumerate(application.parties[:PARTIES_MOST])
        ),
    )
    _check_sides(checker, application)
    if not application.free_will:
        checker.problem("free_will", "required")
    checker.finish()
    return clean


def _check_sides(checker: Checker, application: Application) -> None:
    if len(application.parties) > PARTIES_MOST:
        checker.problem("parties", "too-many")
    sides = {party.side for party in application.parties}
    for side, code in ((Side.APPLICANT, "no-applicant"), (Side.RESPONDENT, "no-respondent")):
        if side.value not in sides:
            checker.problem("parties", code)


def _party(checker: Checker, at: str, party: PartyDetails, brief: bool) -> PartyDetails:
    kind = checker.choice(f"{at}.kind", party.kind, PartyKind, PartyKind.PERSON)
    common = replace(
        party,
        kind=kind,
        side=checker.choice(f"{at}.side", party.side, Side),
        name=checker.name(f"{at}.name", party.name, NAME_CHARACTERS, organisation=kind is PartyKind.ORGANISATION),
        phone=checker.phone(f"{at}.phone", party.phone),
        address=checker.line(f"{at}.address", party.address, PLACE_CHARACTERS, required=not brief),
    )
    common = _agent(checker, at, common)
    if kind is PartyKind.ORGANISATION:
        return _organisation(checker, at, common, brief)
    return _person(checker, at, common, brief)


def _person(checker: Checker, at: str, party: PartyDetails, brief: bool) -> PartyDetails:
    age = checker.number(f"{at}.age", party.age, 0, 130)
    if age is None and not brief and party.age in (None, ""):
        checker.problem(f"{at}.age", "required")
    sex = "" if brief and not party.sex else checker.choice(f"{at}.sex", party.sex, Sex)
    capacity = checker.choice(f"{at}.capacity", party.capacity, Capacity, Capacity.FULL)
    if age is not None and age < ADULT_AGE and capacity is Capacity.FULL:
        capacity = Capacity.MINOR
    if age is not None and age >= ADULT_AGE and capacity is Capacity.MINOR:
        checker.problem(f"{at}.capacity", "not-a-minor")
    guarded = capacity is not Capacity.FULL
    return replace(
        party,
        age=age,
        sex=sex,
        capacity=capacity,
        ethnicity=checker.name(f"{at}.ethnicity", party.ethnicity, 20, required=not brief),
        occupation=checker.line(f"{at}.occupation", party.occupation, NAME_CHARACTERS),
        guardian_name=checker.name(f"{at}.guardian_name", party.guardian_name, NAME_CHARACTERS, required=guarded),
        guardian_relation=checker.name(f"{at}.guardian_relation", party.guardian_relation, 20, required=guarded),
        guardian_phone=checker.phone(f"{at}.guardian_phone", party.guardian_phone),
        credit_code="",
        legal_representative="",
    )


def _organisation(checker: Checker, at: str, party: PartyDetails, brief: bool) -> PartyDetails:
    code = "".join(checker.line(f"{at}.credit_code", party.credit_code, 40, required=not brief).split()).upper()
    if code:
        try:
            code = uscc.validate(code)
        except ValidationError:
            checker.problem(f"{at}.credit_code", "not-a-credit-code")
    return replace(
        party,
        credit_code=code,
        legal_representative=checker.name(
            f"{at}.legal_representative", party.legal_representative, NAME_CHARACTERS, required=not brief
        ),
        sex="",
        ethnicity="",
        age=None,
        occupation="",
        capacity=Capacity.FULL,
        guardian_name="",
        guardian_relation="",
        guardian_phone="",
    )


def _agent(checker: Checker, at: str, party: PartyDetails) -> PartyDetails:
    """An agent needs an authority, and an authority an agent."""
    name = checker.name(f"{at}.agent_name", party.agent_name, NAME_CHARACTERS, required=bool(party.agent_authority))
    authority = checker.choice(f"{at}.agent_authority", party.agent_authority, Authority) if name else ""
    return replace(
        party,
        agent_name=name,
        agent_authority=authority,
        agent_relation=checker.name(f"{at}.agent_relation", party.agent_relation, 20, required=False),
        agent_phone=checker.phone(f"{at}.agent_phone", party.agent_phone),
    )
