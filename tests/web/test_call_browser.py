"""The call in real browsers against the real application and node: in, seen and heard, thrown back and forth, and out."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, Playwright, Response, WebSocketRoute, expect, sync_playwright

from tests.journeys.browser import DESKTOP, PHONE, browser_page
from tests.journeys.product import until
from tests.web.call_live import Live, join_by_link, running_house

SCRIPT_BYTES_BEFORE_CALL = 200_000
IN_CALL = "[data-place=in]"
expect.set_options(timeout=20_000)
# One worker, in a row: they share a house, and no async test may run while the browsers' driver does.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    with running_house(tmp_path_factory.mktemp("house")) as house:
        house.staff("李秀兰", "li")
        yield house


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


class Room:
    """A sitting with its host in it, and the means to bring a villager."""

    def __init__(self, live: Live, host: Page, host_id: str) -> None:
        self.live, self.host, self.host_id = live, host, host_id
        self.sitting_id = live.open_sitting(host_id)
        live.sign_in(host.context, "li")
        host.goto(f"{live.address}/sittings/{self.sitting_id}")
        host.locator("[data-answer=yes]").click()
        host.locator("[data-check=ready]").click()
        expect(host.locator(IN_CALL)).to_be_visible()

    def bring(self, page: Page, name: str = "赵春山") -> str:
        """Through invitation, check, lobby and admission into the call; the seat's id."""
        join_by_link(page, self.live.link(self.live.invite(self.sitting_id, name, by=self.host_id)))
        page.locator("[data-check=ready]").click()
        expect(page.locator("#lobby-title")).to_be_focused()
        self.host.get_by_role("button", name=f"请进来：{name}").click()
        expect(page.locator(IN_CALL)).to_be_visible()
        return str(page.locator("[data-seat]").first.get_attribute("data-seat"))


@pytest.fixture
def room(live: Live, playwright: Playwright) -> Iterator[Room]:
    host_id = live.staff_ids["li"]
    with browser_page(playwright, None, DESKTOP) as host:
        host.set_default_timeout(20_000)
        yield Room(live, host, host_id)


def frames(page: Page, seat: str) -> int:
    """How many frames this page has drawn of a seat's picture."""
    look = f"document.querySelector('figure[data-seat=\"{seat}\"] video')?.getVideoPlaybackQuality().totalVideoFrames ?? 0"
    return int(page.evaluate(look))


def moving(page: Page, seat: str) -> Callable[[], bool]:
    before = frames(page, seat)
    return lambda: frames(page, seat) > before + 5


def seat_of(page: Page) -> str:
    return str(page.locator("[data-module='call/page']").get_attribute("data-seat"))


def heard(page: Page, seat: str) -> bool:
    """Whether sound of this seat is being received: its level moves."""
    found = page.evaluate(
        """async (seat) => {
          const audio = document.querySelector(`figure[data-seat="${seat}"] audio`);
          if (!audio?.srcObject) return false;
          const context = new AudioContext();
          const meter = context.createAnalyser();
          context.createMediaStreamSource(audio.srcObject).connect(meter);
          const samples = new Float32Array(meter.fftSize);
          for (let look = 0; look < 60; look += 1) {
            await new Promise((resolve) => setTimeout(resolve, 50));
            meter.getFloatTimeDomainData(samples);
            if (samples.some((sample) => Math.abs(sample) > 0.01)) return context.close().then(() => true);
          }
          return context.close().then(() => false);
        }""",
        seat,
    )
    return bool(found)


def test_from_the_link_into_the_call_without_a_reload_seen_and_heard_on_both_sides(
    room: Room, playwright: Playwright
) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        scripts: dict[str, int] = {}
        documents: list[str] = []

        def note(answer: Response) -> None:
            kind = answer.request.resource_type
            if kind == "script":
                scripts[answer.url] = answer.request.sizes()["responseBodySize"]
            if kind == "document":
                documents.append(answer.url)

        zhao.on("response", note)
        seat = room.bring(zhao)
        assert documents[-1].endswith("/room") and len([one for one in documents if one.endswith("/room")]) == 1
        assert 0 < sum(scripts.values()) <= SCRIPT_BYTES_BEFORE_CALL, scripts
        host_seat = seat_of(room.host)
        until(moving(zhao, host_seat), "the mediator's picture at the villager")
        until(moving(room.host, seat), "the villager's picture at the mediator")
        assert heard(zhao, host_seat) and heard(room.host, seat)
        expect(room.host.locator(f'figure[data-seat="{seat}"] figcaption')).to_contain_text("赵春山")


def test_talk_beside_the_pictures(room: Room, playwright: Playwright) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        seat = room.bring(zhao)
        zhao.get_by_role("button", name="听不清").click()
        expect(room.host.locator("[data-news=said]")).to_contain_text("我听不清")
        zhao.get_by_role("button", name="请人帮忙").click()
        expect(room.host.locator(f'figure[data-seat="{seat}"] [data-tile=hand]')).to_be_visible()
        room.host.get_by_role("button", name="大字板").click()
        room.host.locator("#board-text").fill("明天上午九点量沟")
        room.host.get_by_role("button", name="写上去").click()
        board = zhao.locator("[data-board=text]")
        expect(board).to_have_text("明天上午九点量沟")
        assert board.evaluate("element => getComputedStyle(element).fontSize") == "48px"
        room.host.get_by_role("tab", name=re.compile("聊天")).click()
        room.host.locator("#chat-text").fill("听得见了吗<b>？")
        room.host.locator("#chat-text").press("Enter")
        expect(zhao.locator("[data-news=said]")).to_contain_text("听得见了吗<b>？")


def test_everybody_sees_the_recording_begin_and_one_person_stops_it(room: Room, playwright: Playwright) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        seat = room.bring(zhao)
        until(moving(room.host, seat), "the villager's picture")
        room.host.get_by_role("button", name="开始录制").click()
        for page in (room.host, zhao):
            expect(page.locator(".ss-call [data-part=recording]")).to_have_text("正在录音录像")
        expect(zhao.locator("[data-part=announcer]")).to_contain_text("正在录音录像")
        zhao.get_by_role("button", name="更多").click()
        zhao.get_by_role("button", name="我不让录了").click()
        for page in (room.host, zhao):
            expect(page.locator(".ss-call [data-part=recording]")).to_have_text("有人不让录了，现在不录")


def test_the_host_keeps_order(room: Room, playwright: Playwright) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        seat = room.bring(zhao)
        until(moving(room.host, seat), "the villager's picture")
        room.host.get_by_role("button", name="静音：赵春山").click()
        expect(room.host.locator(f'figure[data-seat="{seat}"] [data-tile=silent]')).to_be_visible()
        zhao.get_by_role("button", name="更多").click()
        expect(zhao.locator("#more-sheet [data-act=microphone]")).to_have_text("开话筒")
        zhao.locator("#more-sheet [data-act=microphone]").click()
        expect(room.host.locator(f'figure[data-seat="{seat}"] [data-tile=silent]')).to_be_hidden()
        room.host.get_by_role("button", name="请回等候室：赵春山").click()
        expect(zhao.locator("#lobby-title")).to_be_visible()
        room.host.get_by_role("button", name="请进来：赵春山").click()
        expect(zhao.locator(IN_CALL)).to_be_visible()
        until(moving(room.host, seat), "the villager's picture again")
        room.host.get_by_role("button", name="请他出去：赵春山").click()
        room.host.locator("[data-sure=yes]").click()
        expect(zhao.locator("#over-title")).to_have_text("调解员请您先出去了")


def test_a_reload_and_a_hang_up_come_back_to_the_same_seat(room: Room, playwright: Playwright) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        seat = room.bring(zhao)
        zhao.reload()
        expect(zhao.locator(IN_CALL)).to_be_visible()
        until(moving(room.host, seat), "the villager's picture after the reload")
        zhao.get_by_role("button", name="挂断").click()
        zhao.get_by_role("button", name="回去接着说").click()
        expect(zhao.locator(IN_CALL)).to_be_visible()
        until(moving(room.host, seat), "the villager's picture after hanging up")
        assert room.host.locator("figure.ss-seat").count() == 2


def test_the_newest_page_wins_and_the_older_one_says_so(room: Room, playwright: Playwright) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        seat = room.bring(zhao)
        second = zhao.context.new_page()
        second.goto(zhao.url)
        expect(zhao.locator("#over-title")).to_have_text("您在另一个页面进去了")
        second.locator("[data-check=ready]").click()
        expect(second.locator(IN_CALL)).to_be_visible()
        until(moving(room.host, seat), "the picture from the second page")
        zhao.get_by_role("button", name="在这里接着说").click()
        expect(zhao.locator(IN_CALL)).to_be_visible()
        expect(second.locator("#over-title")).to_have_text("您在另一个页面进去了")


def test_after_the_library_has_given_up_the_page_itself_comes_back(room: Room, playwright: Playwright) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        broken = {"now": False}
        sockets: list[WebSocketRoute] = []

        def pass_on(socket: WebSocketRoute) -> None:
            if broken["now"]:
                socket.close()
                return
            socket.connect_to_server()
            sockets.append(socket)

        zhao.route_web_socket(re.compile("/rtc"), pass_on)
        zhao.route(re.compile("/rtc.*validate"), lambda route: route.abort() if broken["now"] else route.continue_())
        seat = room.bring(zhao)
        broken["now"] = True
        for socket in sockets:
            socket.close()
        expect(zhao.locator("[data-place=away]")).to_be_visible(timeout=60_000)
        expect(zhao.locator("[data-news=line]")).to_contain_text("座位给您留着")
        broken["now"] = False
        expect(zhao.locator(IN_CALL)).to_be_visible(timeout=30_000)
        assert seat_of(zhao) == seat
        until(moving(room.host, seat), "the villager's picture after the outage", 30)


def test_the_end_is_the_end_for_everybody(room: Room, playwright: Playwright) -> None:
    with browser_page(playwright, None, PHONE) as zhao:
        room.bring(zhao)
        room.host.get_by_role("button", name="结束").click()
        room.host.get_by_role("button", name="结束，大家都离开").click()
        for page in (room.host, zhao):
            expect(page.locator("#over-title")).to_have_text("这次调解会结束了")


# Written from the description, not from the script: where each happening leads; what is not here means nothing.
WHERE_IT_LEADS = {
    "out": {"enter": "joining", "leave": "over", "closed": "over"},
    "joining": {"connected": "in", "lost": "away", "replaced": "elsewhere", "closed": "over", "leave": "over"},
    "in": {"interrupted": "resuming", "lost": "away", "replaced": "elsewhere", "closed": "over", "leave": "over"},
    "resuming": {
        "resumed": "in",
        "interrupted": "resuming",
        "lost": "away",
        "replaced": "elsewhere",
        "closed": "over",
        "leave": "over",
    },
    "away": {"retry": "joining", "replaced": "elsewhere", "closed": "over", "leave": "over"},
    "elsewhere": {"enter": "joining", "leave": "over", "closed": "over"},
    "over": {"enter": "joining", "leave": "over", "closed": "over"},
}
HAPPENINGS = ("enter", "connected", "interrupted", "resumed", "lost", "retry", "replaced", "closed", "leave")


def test_the_connection_s_table_and_the_judgement_of_the_line(live: Live, playwright: Playwright) -> None:
    with browser_page(playwright, None, DESKTOP) as page:
        page.goto(f"{live.address}/j")
        base = str(page.locator("script[type=module]").first.get_attribute("src")).rsplit("/", 1)[0]
        table = page.evaluate(
            """async ([base, places, happenings]) => {
              const { step } = await import(`${base}/call/connection.js`);
              return places.map((place) => happenings.map((happening) => step(place, happening)?.place ?? null));
            }""",
            [base, list(WHERE_IT_LEADS), list(HAPPENINGS)],
        )
        told = {
            place: {happening: to for happening, to in zip(HAPPENINGS, row, strict=True) if to is not None}
            for place, row in zip(WHERE_IT_LEADS, table, strict=True)
        }
        assert told == WHERE_IT_LEADS
        turns = page.evaluate(
            """async (base) => {
              const { LinkWatch } = await import(`${base}/call/link-watch.js`);
              const turns = [];
              const watch = new LinkWatch((link) => turns.push(link));
              const give = (count, lost, roundTripS) => {
                for (let n = 0; n < count; n += 1) watch.take({ lost, roundTripS });
              };
              give(2, 0.2, 0.1); give(1, 0, 0.1);   // two bad samples are a cough
              give(3, 0.2, 0.1); give(3, 0.06, 0.1); give(3, 0, 1.5); give(5, 0, 0.1);
              return turns;
            }""",
            base,
        )
        assert turns == ["bad", "weak", "bad", "good"]
