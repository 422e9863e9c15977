"""A small invented county for the tests: two towns, three villages, one person per role, and a form to file."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases import actors, filing, organisations, progress, staff
from cases.actors import Actor
from cases.applications import Application, PartyDetails
from cases.models import Case
from cases.organisations import OrganisationDetails
from cases.permissions import Role

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)

APPLICANT = PartyDetails(
    side="applicant",
    name="枣大山",
    phone="010-5550101",
    address="枣河县虚镇甲村1号",
    sex="male",
    ethnicity="汉族",
    age=52,
    occupation="种枣",
)
RESPONDENT = PartyDetails(
    side="respondent",
    name="枣小满",
    phone="0105550102",
    address="枣河县虚镇甲村2号",
    sex="female",
    ethnicity="回族",
    age="47",
    occupation="开小卖部",
)


@dataclass
class County:
    """Ids by name, filled by `build`."""

    organisations: dict[str, str] = field(default_factory=dict)
    staff: dict[str, str] = field(default_factory=dict)

    async def actor(self, db: AsyncSession, name: str) -> Actor:
        return await actors.of_staff(db, staff_id=self.staff[name])

    def application(self, organisation: str = "village", **changes: Any) -> Application:
        form = Application(
            organisation_id=self.organisations[organisation],
            title="枣树遮了邻家的光",
            facts="两家院墙相邻，枣树枝伸过墙，落叶堵了水沟。",
            requests="修剪枣树，清理水沟。",
            place="虚镇甲村东头",
            parties=(APPLICANT, RESPONDENT),
            free_will=True,
            level="village",
            category="neighbours",
        )
        return replace(form, **changes)

    async def file(self, db: AsyncSession, by: str = "mediator", **changes: Any) -> Case:
        actor = await self.actor(db, by)
        return await filing.file_case(db, actor=actor, application=self.application(**changes), now=NOW)

    async def assigned(self, db: AsyncSession, mediator: str = "mediator", **changes: Any) -> Case:
        """A case filed by the village's facilitator and taken by a mediator."""
        case = await self.file(db, by="facilitator", **changes)
        return await progress.take(db, actor=await self.actor(db, mediator), case_id=case.id, now=NOW)


STAFF = (
    ("facilitator", Role.FACILITATOR, "village"),
    ("other facilitator", Role.FACILITATOR, "other village"),
    ("mediator", Role.MEDIATOR, "town"),
    ("second mediator", Role.MEDIATOR, "town"),
    ("other mediator", Role.MEDIATOR, "other town"),
    ("county mediator", Role.MEDIATOR, "county"),
    ("clerk", Role.CLERK, "town"),
    ("lawyer", Role.LAWYER, "county"),
    ("officer", Role.OFFICER, "county"),
    ("lead", Role.LEAD, "town"),
    ("county lead", Role.LEAD, "county"),
    ("auditor", Role.AUDITOR, "county"),
)


async def build(db: AsyncSession) -> County:
    """Found the county with its first administrator, who then creates everything else."""
    county = County()
    root = await organisations.found(db, details=OrganisationDetails("虚构县", "county", "虚县民调"), now=NOW)
    county.organisations["county"] = root.id
    first = await staff.found_administrator(
        db, name="管不宽", login_name="administrator", password_hash="-", organisation_id=root.id, now=NOW
    )
    county.staff["administrator"] = first.id
    admin = await county.actor(db, "administrator")
    for name, parent, level, chinese, word in (
        ("town", "county", "town", "虚镇", "虚镇民调"),
        ("other town", "county", "town", "构镇", "构镇民调"),
        ("village", "town", "village", "甲村", ""),
        ("other village", "town", "village", "乙村", ""),
        ("far village", "other town", "village", "丙村", ""),
    ):
        details = OrganisationDetails(chinese, level, word, room_name=f"{chinese}说事拉理室")
        made = await organisations.create(db, actor=admin, parent_id=county.organisations[parent], details=details, now=NOW)
        county.organisations[name] = made.id
    for number, (name, role, where) in enumerate(STAFF):
        person = await staff.create(
            db,
            actor=admin,
            name="虚" + "甲乙丙丁戊己庚辛壬癸子丑"[number],
            login_name=name.replace(" ", "-"),
            password_hash="-",
            organisation_id=county.organisations[where],
            role=role,
            now=NOW,
        )
        county.staff[name] = person.id
    return county
