"""G2 and G3: a mediation by video, from the invitation to the record that hangs on the case, with three real browsers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Playwright, expect

from tests.journeys import clips
from tests.journeys.browser import DESKTOP, PHONE, browser_page
from tests.journeys.cast import Mediator, Staff, Villager
from tests.journeys.product import Product, running_product, until
from tests.journeys.stories import Story, demo_story
from tests.journeys.truth import expect_true_pictures, expect_true_record, expect_true_voices, own_seat, verify

pytestmark = pytest.mark.browser

VILLAGER, MEDIATOR, LAWYER = range(3)


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Product]:
    with running_product(tmp_path_factory.mktemp("product") / "data") as running:
        yield running


@pytest.fixture(scope="module")
def story(product: Product) -> Story:
    return demo_story(product)


@pytest.mark.timeout(300)
def test_a_recorded_mediation(playwright: Playwright, people: list[clips.Person], product: Product, story: Story) -> None:
    with (
        browser_page(playwright, people[MEDIATOR], DESKTOP) as office,
        browser_page(playwright, people[VILLAGER], PHONE) as phone,
        browser_page(playwright, people[LAWYER], DESKTOP, locale="en-US") as firm,
    ):
        mediator, villager, lawyer = Mediator.at(office, product), Villager.at(phone, product), Staff.at(firm, product)

        mediator.log_in(*story.mediator)
        sitting, links = mediator.open_sitting(story.case)
        mediator.enter(sitting)
        mediator.expect_call()

        villager.join(links[0], "yes")
        villager.check_devices_and_go()
        villager.expect_lobby()
        mediator.admit(story.party)
        villager.expect_call()

        lawyer.log_in(*story.lawyer)
        lawyer.enter(sitting)
        lawyer.expect_call()

        everybody = (mediator, villager, lawyer)
        for participant in everybody:
            participant.expect_pictures_of(3)

        mediator.record()
        for participant in everybody:
            participant.expect_recording(True)

        villager.write("沟是去年填的。")
        mediator.expect_line("沟是去年填的。")

        seats = {who: own_seat(page) for who, page in enumerate((phone, office, firm))}
        for who, page in enumerate((phone, office, firm)):
            expect_true_pictures(page, seats, but=who)
            expect_true_voices(page, people, seats, but=who)

        seat_before = own_seat(phone)
        phone.reload()
        villager.expect_call()
        villager.expect_pictures_of(3)
        assert own_seat(phone) == seat_before
        villager.expect_recording(True)
        until(lambda: written(product, sitting, seat_before) > 400_000, "the recording to go on after the reload")

        mediator.end()
        record = mediator.wait_for_record(story.case)
        mediator.play(record, "核对调解经过")
        expect(office.locator("[data-seat] video").first).to_be_attached()
        until(lambda: bool(office.evaluate(PLAYING, list(seats.values()))), "every seat of the record to play")
        expect_true_pictures(office, seats, but=None)

        for participant in everybody:
            assert participant.complaints == []

    folder = product.data / "records" / sitting
    expect_true_record(folder.with_name(f"{sitting}.playback"), people, seats)
    verdict = verify(folder, story.fingerprint)
    assert verdict.returncode == 0, verdict.stdout
    assert "未被改动" in verdict.stdout


PLAYING = """(seats) => seats.every((seat) =>
  [...document.querySelectorAll(`[data-seat="${seat}"] video`)].some((video) => !video.paused && video.currentTime > 0.3))"""


def written(product: Product, sitting: str, seat: str) -> int:
    """Bytes of film and sound captured of a seat."""
    return sum(path.stat().st_size for path in (product.data / "captures" / sitting / seat).glob("*.mkv"))
