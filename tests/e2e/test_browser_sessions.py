"""Screens go dark when their session ends or is locked; everything comes back to its person, and to nobody else."""

import re
import time
from collections.abc import Sequence

import pytest
from playwright.sync_api import Page, expect

from tests import builders
from tests.e2e.chromium import Clinic, Viewer, open_study
from tests.e2e.conftest import Hire, Newcomers
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SLICES = 6
DARK = 2000  # milliseconds
NAME = "Lockhart"
NOTES_WHEN_DARK = """name => {
    const shown = () => document.querySelector("canvas, img, svg.lengths, [data-pane]") !== null
        || document.documentElement.textContent.includes(name) || document.title.includes(name);
    const look = () => { if (window.darkAt === undefined && !shown()) window.darkAt = Date.now(); };
    new MutationObserver(look).observe(document, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture
def study(clinic: Clinic) -> str:
    """A study of one series, whose images differ."""
    images = builders.study(SLICES, side=200, PatientName=f"{NAME}^Ada")
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, images).status_code == 200
    return str(images[0].StudyInstanceUID)


@pytest.fixture
def admin(hired: Hire) -> Page:
    """A page on which an administrator has signed in."""
    return hired("administrator")


@pytest.fixture
def reader(newcomer: Newcomers) -> str:
    """A clinician of the study's group who has used no code yet."""
    return newcomer()


def laid_out(viewer: Viewer) -> None:
    """Go to the third image, change the window, enlarge, and measure a line."""
    page = viewer.page
    for _step in range(2):
        page.keyboard.press("ArrowDown")
    viewer.shows(2)
    page.keyboard.press("i")
    drag(page, viewer.place(60, 60), viewer.place(80, 90), "Window")
    page.keyboard.press("+")
    drag(page, viewer.place(50, 100), viewer.place(150, 100), "Length")
    expect(page.locator(f"{viewer.pane} svg.lengths text")).to_have_count(1)


def drag(page: Page, begin: Sequence[float], end: Sequence[float], tool: str) -> None:
    page.locator(f'[data-tool="{tool.lower()}"]').click()
    page.mouse.move(*begin)
    page.mouse.down()
    page.mouse.move(*end, steps=3)
    page.mouse.up()
    page.mouse.move(5, 5)


def seen(viewer: Viewer) -> dict[str, object]:
    """What a reader sees of one pane: which image, how it lies, its window, its lines, the chosen tool."""
    page, pane = viewer.page, viewer.page.locator(viewer.pane)
    placement = [round(float(part), 1) for part in viewer.attribute("placement").split()]
    return {
        "image": viewer.shows(2),
        "placement": placement,
        "window": pane.locator('[data-overlay="window"]').inner_text(),
        "lines": pane.locator("svg.lengths text").all_inner_texts(),
        "inverted": page.locator('[data-command="invert"]').get_attribute("aria-pressed"),
        "tool": page.locator("#viewer").get_attribute("data-tool"),
        "colours": colours(page),
    }


def colours(page: Page) -> list[int]:
    """Some pixels of the canvas itself."""
    found: list[int] = page.evaluate(
        """() => { const canvas = document.querySelector('[data-pane] canvas');
        const copy = document.createElement('canvas'); [copy.width, copy.height] = [canvas.width, canvas.height];
        const brush = copy.getContext('2d'); brush.drawImage(canvas, 0, 0);
        const at = (part) => brush.getImageData(part * copy.width, part * copy.height, 1, 1).data;
        return [0.4, 0.5, 0.6].flatMap((part) => [...at(part)]);
        }"""
    )
    return found


def dark(page: Page) -> None:
    """Nothing of the study is on the page: no canvas, no picture, no name, also not hidden."""
    assert page.locator("canvas, img, svg.lengths, [data-pane]").count() == 0
    assert NAME not in page.content()
    assert NAME not in page.title()


def unlock(clinic: Clinic, page: Page, username: str) -> float:
    """Type the code of the lock; return the moment it was sent."""
    page.get_by_label("Code").fill(clinic.code(username))
    begun = time.monotonic()
    page.get_by_role("button", name="Unlock").click()
    return begun


def lock(page: Page) -> None:
    with page.expect_response("**/me/lock/"):
        page.keyboard.press("q")
    expect(page.locator('[data-guard="locked"]')).to_be_visible()


def end_sessions(clinic: Clinic, page: Page, username: str) -> float:
    """An administrator ends somebody's sessions; return the moment at which that was asked, in milliseconds."""
    page.goto(f"{clinic.archive.url}/sessions/")
    row = page.get_by_role("row").filter(has_text=username).first
    with page.expect_request("**/end-sessions/") as asked:
        row.get_by_role("button", name="End all of this person").click()
    expect(page.get_by_role("row").filter(has_text=username)).to_have_count(0)
    return float(asked.value.timing["startTime"])


def test_a_session_ended_from_elsewhere_leaves_every_screen_dark_within_two_seconds(
    clinic: Clinic, study: str, admin: Page, reader: str
) -> None:
    page = clinic.stranger()
    clinic.enter(page, reader)
    listing = page.context.new_page()
    listing.goto(f"{clinic.archive.url}/studies/")
    expect(listing.get_by_text(NAME).first).to_be_visible()
    page.bring_to_front()
    laid_out(open_study(page, clinic.archive, study))
    for screen in (page, listing):
        screen.evaluate(NOTES_WHEN_DARK, NAME)
    asked = end_sessions(clinic, admin, reader)
    for screen in (page, listing):
        screen.bring_to_front()
        expect(screen.locator('[data-guard="over"]')).to_be_visible()
        dark(screen)
        # The page itself notes when it went dark: how long this program took to look is no part of the promise.
        took = screen.evaluate("window.darkAt") - asked
        assert 0 < took < DARK, took
    page.go_back()
    expect(page.get_by_label("Password")).to_be_visible()
    dark(page)


@pytest.mark.parametrize("renderer", ["cpu", "webgl"])
def test_a_locked_screen_shows_nothing_and_comes_back_as_it_was(
    clinic: Clinic, study: str, reader: str, renderer: str
) -> None:
    page = clinic.stranger()
    clinic.enter(page, reader)
    viewer = open_study(page, clinic.archive, study, f"?renderer={renderer}")
    laid_out(viewer)
    before = seen(viewer)

    lock(page)
    locked = time.monotonic()
    dark(page)
    assert page.request.get(f"{clinic.archive.url}/studies/", max_redirects=0).status == 302

    page.get_by_label("Code").fill("000000")
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_role("alert")).to_be_visible()
    dark(page)
    # A wrong code makes the next one wait for a second; after two no process knows the session of before any more.
    time.sleep(max(1.1, locked + DARK / 1000 - time.monotonic()))
    for _one_process_or_another in range(6):
        answer = page.request.get(f"{clinic.archive.url}/dicom-web/studies/{study}/metadata", max_redirects=0)
        assert answer.status in (302, 401)

    begun = unlock(clinic, page, reader)
    viewer.shows(2)
    took = time.monotonic() - begun
    expect(page.locator(f"{viewer.pane} svg.lengths text")).to_have_count(1)
    assert seen(viewer) == before
    assert took < 2, took


def test_two_people_at_one_workstation_never_meet(clinic: Clinic, study: str, reader: str, newcomer: Newcomers) -> None:
    other = newcomer("clinician", "Cardiology")
    page = clinic.stranger()
    clinic.enter(page, reader)
    viewer = open_study(page, clinic.archive, study)
    laid_out(viewer)
    before = seen(viewer)
    lock(page)

    page.get_by_role("link", name="Somebody else? Sign in").click()
    clinic.enter(page, other)
    page.goto(f"{clinic.archive.url}/studies/{study}/")
    dark(page)
    for _back in range(6):
        page.go_back()
        page.wait_for_load_state()
        time.sleep(0.3)
        dark(page)
    page.goto(f"{clinic.archive.url}/me/")
    expect(page.get_by_role("heading", name=re.compile(other, re.IGNORECASE))).to_be_visible()
    page.get_by_role("button", name="Sign out").click()

    clinic.enter(page, reader)
    again = open_study_as_left(page, clinic, study)
    expect(page.locator(f"{again.pane} svg.lengths text")).to_have_count(1)
    assert seen(again) == before


def open_study_as_left(page: Page, clinic: Clinic, study: str) -> Viewer:
    page.goto(f"{clinic.archive.url}/studies/{study}/")
    viewer = Viewer(page)
    viewer.shows(2)
    return viewer


def test_a_second_page_of_the_same_browser_locks_and_comes_back_with_the_first(
    clinic: Clinic, study: str, reader: str
) -> None:
    page = clinic.stranger()
    clinic.enter(page, reader)
    listing = page.context.new_page()
    listing.goto(f"{clinic.archive.url}/studies/")
    page.bring_to_front()
    viewer = open_study(page, clinic.archive, study)
    laid_out(viewer)
    before = seen(viewer)

    listing.bring_to_front()
    listing.get_by_role("button", name="Lock").click()
    expect(listing.locator('[data-guard="locked"]')).to_be_visible()
    expect(page.locator('[data-guard="locked"]')).to_be_visible(timeout=DARK + 500)
    dark(page)
    dark(listing)
    unlock(clinic, listing, reader)
    expect(listing.get_by_text(NAME).first).to_be_visible()
    page.bring_to_front()
    viewer.shows(2)
    expect(page.locator(f"{viewer.pane} svg.lengths text")).to_have_count(1)
    assert seen(viewer) == before


def test_a_locked_page_that_is_loaded_anew_comes_back_as_it_was(clinic: Clinic, study: str, reader: str) -> None:
    page = clinic.stranger()
    clinic.enter(page, reader)
    viewer = open_study(page, clinic.archive, study)
    laid_out(viewer)
    before = seen(viewer)
    lock(page)
    page.reload()
    assert page.url.startswith(f"{clinic.archive.url}/locked/")
    dark(page)
    unlock(clinic, page, reader)
    viewer.shows(2)
    expect(page.locator(f"{viewer.pane} svg.lengths text")).to_have_count(1)
    assert seen(viewer) == before


def test_a_screen_whose_archive_does_not_answer_goes_dark_and_loses_nothing(
    clinic: Clinic, study: str, reader: str
) -> None:
    page = clinic.stranger()
    clinic.enter(page, reader)
    viewer = open_study(page, clinic.archive, study)
    laid_out(viewer)
    before = seen(viewer)
    page.context.set_offline(True)
    expect(page.locator('[data-guard="quiet"]')).to_be_visible(timeout=8000)
    dark(page)
    page.context.set_offline(False)
    viewer.shows(2)
    assert seen(viewer) == before
