"""The cases of the fictional county, each left at another point of a case's life."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases import filing, progress
from cases.actors import Actor
from cases.applications import Application, PartyDetails
from cases.life import Event
from cases.models import Case
from cases.progress import Details

READY = "院墙边的枣树遮光堵沟"


def _person(side: str, name: str, about: str, phone: str) -> PartyDetails:
    """`about` is sex, age, occupation and village, as "male 63 种枣 东枣村"."""
    sex, age, occupation, village = about.split(" ")
    return PartyDetails(
        side=side,
        name=name,
        sex=sex,
        age=age,
        ethnicity="汉族",
        occupation=occupation,
        phone=phone,
        address=f"枣河县（演示）{village}",
    )


_COMPANY = PartyDetails(
    side="respondent",
    kind="organisation",
    name="枣河县甜又脆冬枣购销有限公司（虚构）",
    phone="000-5550150",
    address="枣河县（演示）枣市街1号",
    credit_code="91370000MA0DEM001G",
    legal_representative="钱来顺",
    agent_name="尤经理",
    agent_relation="员工",
    agent_phone="000-5550151",
    agent_authority="special",
)
_SERVICE = PartyDetails(
    side="respondent",
    kind="organisation",
    name="枣河县安居物业服务有限公司（虚构）",
    phone="000-5550160",
    address="枣河县（演示）河安小区",
    credit_code="91370000MA0DEM002K",
    legal_representative="安如家",
)


@dataclass(frozen=True)
class _Small:
    """A matter that needed one telephone call."""

    title: str
    facts: str
    terms: str
    names: tuple[str, str]


_WATER = _Small(
    "饭店改水管停了半条街的水",
    "饭店私自改管，关了总开关，附近三十多户停水。",
    "当场打开总开关，改管请水务所来做，费用饭店出。",
    ("街坊代表", "饭店老板"),
)
_LEAVES = _Small(
    "路边烧树叶熏了邻居的被子",
    "在路边烧枣树叶，烟熏了邻居晾的被子。",
    "今后树叶送村里的堆肥点；被子洗晒费五十元，当面给清。",
    ("晾被子的吴婶", "烧树叶的郑叔"),
)


async def make(db: AsyncSession, people: Mapping[str, Actor], places: Mapping[str, str], now: datetime) -> None:
    """File the cases and bring each as far as it has come, on days before `now`."""
    await _failed(db, people, places, now - timedelta(days=20))
    await _settled_at_the_door(db, people, places, _WATER, now - timedelta(days=12))
    await _agreed_in_the_family(db, people, places, now - timedelta(days=9))
    await _settled_at_the_door(db, people, places, _LEAVES, now - timedelta(days=8))
    await _gone_to_the_town(db, people, places, now - timedelta(days=5))
    await _ready_for_a_sitting(db, people, places, now - timedelta(days=1, hours=3))
    await _waiting_for_a_mediator(db, people, places, now - timedelta(hours=5))


async def _ready_for_a_sitting(
    db: AsyncSession, people: Mapping[str, Actor], places: Mapping[str, str], filed: datetime
) -> None:
    form = Application(
        organisation_id=places["东枣村"],
        title=READY,
        facts="两家院墙相邻。赵家墙边三棵枣树枝条伸过墙头，遮了钱家灶房的光，去年秋天落叶堵了水沟，雨水倒进院子。"
        "两家为剪枝的事吵过两回。",
        requests="请赵家把过墙的枝条剪掉，水沟两家一起清一次。",
        place="东枣村枣园东头",
        parties=(
            _person("applicant", "钱有光", "male 63 种枣 东枣村", "000-5550131"),
            _person("respondent", "赵树多", "female 58 种枣 东枣村", "000-5550132"),
        ),
        free_will=True,
        level="village",
        category="neighbours",
        channel="kiosk",
    )
    case = await filing.file_case(db, actor=people["facilitator"], application=form, now=filed)
    await progress.take(db, actor=people["mediator"], case_id=case.id, now=filed + timedelta(hours=1))
    for name, role in (("lawyer", "lawyer"), ("clerk", "clerk")):
        await progress.involve(
            db,
            actor=people["mediator"],
            case_id=case.id,
            staff_id=people[name].id,
            role=role,
            now=filed + timedelta(hours=2),
        )


async def _waiting_for_a_mediator(
    db: AsyncSession, people: Mapping[str, Actor], places: Mapping[str, str], now: datetime
) -> None:
    form = Application(
        organisation_id=places["枣林镇"],
        title="绿化带里种的花被物业拔了",
        facts="董先生在楼下绿化带种了两排月季，物业的人没打招呼就清了。双方在物业办公室争吵，网格员劝过一次没有劝开。",
        requests="物业道歉，赔花苗钱二百元。",
        place="枣林镇河安小区",
        parties=(_person("applicant", "董爱花", "male 45 教师 枣林镇", "000-5550133"), _SERVICE),
        free_will=True,
        level="town",
        category="property-service",
        urgency="general",
        channel="patrol",
    )
    await filing.file_case(db, actor=people["clerk"], application=form, now=now)


async def _gone_to_the_town(
    db: AsyncSession, people: Mapping[str, Actor], places: Mapping[str, str], filed: datetime
) -> None:
    form = Application(
        organisation_id=places["柳渡村"],
        title="冬枣收购款拖了两个月",
        facts="公司十月在村里收冬枣一万二千斤，约定半个月付清，至今还欠三户共四万一千元。公司说外地客商没有回款。",
        requests="一个月内付清欠款，写下日期。",
        place="柳渡村枣市",
        parties=(
            _person("applicant", "何丰收", "male 51 种枣 柳渡村", "000-5550134"),
            _person("applicant", "柳满筐", "female 49 种枣 柳渡村", "000-5550135"),
            _COMPANY,
        ),
        free_will=True,
        level="village",
        category="contract",
        urgency="complex",
    )
    case = await filing.file_case(db, actor=people["facilitator2"], application=form, now=filed)
    await progress.take(db, actor=people["mediator2"], case_id=case.id, now=filed + timedelta(hours=2))
    note = Details(note="村里谈了两次，公司在镇上，转镇里一起办。", organisation_id=places["沙湾镇"])
    later = filed + timedelta(days=3)
    await progress.advance(db, actor=people["mediator2"], case_id=case.id, event=Event.ESCALATE, details=note, now=later)
    await progress.take(db, actor=people["mediator2"], case_id=case.id, now=later + timedelta(hours=1))
    await progress.advance(db, actor=people["mediator2"], case_id=case.id, event=Event.BEGIN, now=later + timedelta(days=1))


async def _settled_at_the_door(
    db: AsyncSession, people: Mapping[str, Actor], places: Mapping[str, str], matter: _Small, now: datetime
) -> None:
    applicant, respondent = matter.names
    form = Application(
        organisation_id=places["枣林镇"],
        title=matter.title,
        facts=matter.facts,
        requests="",
        place="枣林镇",
        parties=(
            PartyDetails(side="applicant", name=applicant),
            PartyDetails(side="respondent", name=respondent),
        ),
        free_will=True,
        level="town",
        category="neighbours",
        channel="telephone",
    )
    await filing.settle_at_once(db, actor=people["mediator"], application=form, terms=matter.terms, now=now)


async def _taken(db: AsyncSession, actor: Actor, form: Application, now: datetime) -> Case:
    """A case filed, taken and begun by one mediator."""
    case = await filing.file_case(db, actor=actor, application=form, now=now)
    await progress.take(db, actor=actor, case_id=case.id, now=now + timedelta(hours=1))
    return await progress.advance(db, actor=actor, case_id=case.id, event=Event.BEGIN, now=now + timedelta(days=1))


async def _agreed_in_the_family(
    db: AsyncSession, people: Mapping[str, Actor], places: Mapping[str, str], filed: datetime
) -> None:
    form = Application(
        organisation_id=places["后湾村"],
        title="两个儿子商量老人的口粮和看病钱",
        facts="老人七十九岁，轮流住在两个儿子家，为看病的钱谁多出闹了意见。",
        requests="把每月的口粮、看病钱和轮住的日子说清楚。",
        place="后湾村",
        parties=(
            _person("applicant", "马老太", "female 79 务农 后湾村", "000-5550136"),
            _person("respondent", "马大孝", "male 55 务农 后湾村", "000-5550137"),
            _person("respondent", "马小孝", "male 51 司机 后湾村", "000-5550138"),
        ),
        free_will=True,
        category="family",
    )
    case = await _taken(db, people["mediator"], form, filed)
    terms = Details(terms="口粮两家各半；看病钱单据各出一半；单月住大儿子家，双月住小儿子家。")
    await progress.advance(
        db,
        actor=people["mediator"],
        case_id=case.id,
        event=Event.AGREE_ORALLY,
        details=terms,
        now=filed + timedelta(days=2),
    )


async def _failed(db: AsyncSession, people: Mapping[str, Actor], places: Mapping[str, str], filed: datetime) -> None:
    form = Application(
        organisation_id=places["沙湾镇"],
        title="合伙买的收割机怎么分",
        facts="两人合伙买收割机，用了三年散伙，机器归谁、折多少钱说不到一起。",
        requests="机器归一方，给另一方补钱。",
        place="北坡村",
        parties=(
            _person("applicant", "牛得劲", "male 44 农机手 北坡村", "000-5550139"),
            _person("respondent", "牛不让", "male 46 农机手 北坡村", "000-5550140"),
        ),
        free_will=True,
        level="town",
        category="contract",
    )
    case = await _taken(db, people["mediator2"], form, filed)
    ended = Details(ending="too-far-apart", remedies_told=True, note="差两万元谈不拢，已告知可以申请仲裁或起诉。")
    await progress.advance(
        db, actor=people["mediator2"], case_id=case.id, event=Event.FAIL, details=ended, now=filed + timedelta(days=6)
    )
    await progress.advance(db, actor=people["mediator2"], case_id=case.id, event=Event.CLOSE, now=filed + timedelta(days=7))
