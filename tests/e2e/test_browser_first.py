"""The first image of a series that has just arrived: there before the headers of the others, its place told after."""

import numpy as np
import pytest
from playwright.sync_api import Page, Route, expect
from pydicom.dataset import Dataset

from tests import builders
from tests.e2e.chromium import Clinic, Viewer
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

SLICES = 6


def sent(clinic: Clinic, heights: list[float] | None = None) -> list[Dataset]:
    """Send a fresh series, its slices at these heights in the order of their numbers."""
    study = builders.study(SLICES, side=64)
    for ds, height in zip(study, heights or [], strict=False):
        ds.ImagePositionPatient = [0, 0, height]
        ds.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, study).status_code == 200
    return study


def held(page: Page) -> list[Route]:
    """Keep back every answer with the metadata of a whole series; the requests that wait stand in the list."""
    waiting: list[Route] = []

    def keep(route: Route) -> None:
        waiting.append(route)

    page.route(lambda url: url.endswith("/metadata") and "/instances/" not in url, keep)
    return waiting


def opened(page: Page, clinic: Clinic, study: list[Dataset]) -> Viewer:
    page.goto(f"{clinic.archive.url}/studies/{study[0].StudyInstanceUID}/")
    viewer = Viewer(page)
    expect(page.locator(f"{viewer.pane}[data-rendered]")).to_be_attached()
    return viewer


def values_at(viewer: Viewer, ds: Dataset) -> tuple[list[float], list[float]]:
    """The value that the viewer tells of one pixel, and the one that was sent."""
    pixels = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
    return viewer.value(9, 21), [float(pixels[21, 9]) + float(ds.RescaleIntercept)]


def test_the_first_image_is_seen_and_read_before_the_metadata_of_its_series_have_come(clinic: Clinic) -> None:
    study = sent(clinic, [60, 50, 40, 30, 20, 10])
    page = clinic.page("rosa")
    waiting = held(page)

    viewer = opened(page, clinic, study)

    assert len(waiting) == 1
    assert viewer.attribute("sop") == study[0].SOPInstanceUID
    told, stored = values_at(viewer, study[0])
    assert told == stored
    assert viewer.attribute("count") == str(SLICES)
    expect(page.locator('[data-overlay="slice"]')).to_have_text(f"–/{SLICES}")
    waiting[0].continue_()
    assert viewer.shows(0) == study[0].SOPInstanceUID
    expect(page.locator('[data-overlay="slice"]')).to_have_text(f"1/{SLICES}")
    seen = [viewer.attribute("sop")]
    for index in range(1, SLICES):
        page.keyboard.press("ArrowDown")
        seen.append(viewer.shows(index))
    assert seen == [ds.SOPInstanceUID for ds in study]


def test_an_image_that_proves_to_lie_elsewhere_stays_and_its_place_is_told(clinic: Clinic) -> None:
    # The numbers jump about: neither the lowest nor the highest is at the head.
    study = sent(clinic, [30, 60, 10, 50, 40, 20])
    page = clinic.page("rosa")
    waiting = held(page)
    viewer = opened(page, clinic, study)
    first = viewer.attribute("sop")
    assert (first, viewer.attribute("index")) == (study[0].SOPInstanceUID, "")
    whole = viewer.attribute("placement")
    page.keyboard.press("+")
    expect(page.locator(viewer.pane)).not_to_have_attribute("data-placement", whole)
    before = viewer.attribute("placement")

    waiting[0].continue_()

    assert viewer.shows(3) == first
    assert list(map(float, viewer.attribute("placement").split())) == pytest.approx(
        list(map(float, before.split())), abs=0.01
    )
    page.keyboard.press("Home")
    assert viewer.shows(0) == study[1].SOPInstanceUID


def test_steps_taken_before_the_rest_came_are_gone_when_it_comes(clinic: Clinic) -> None:
    study = sent(clinic, [60, 50, 40, 30, 20, 10])
    page = clinic.page("rosa")
    waiting = held(page)
    viewer = opened(page, clinic, study)

    for _ in range(2):
        page.keyboard.press("ArrowDown")
    assert viewer.attribute("sop") == study[0].SOPInstanceUID
    waiting[0].continue_()

    assert viewer.shows(2) == study[2].SOPInstanceUID


def test_a_reader_is_told_when_the_rest_of_a_series_does_not_come_and_can_ask_again(clinic: Clinic) -> None:
    study = sent(clinic)
    page = clinic.page("rosa")
    waiting = held(page)
    viewer = opened(page, clinic, study)
    banner = page.locator(".banner")
    expect(banner).to_be_hidden()

    waiting.pop().fulfill(status=500)

    expect(banner).to_contain_text("the rest of this series could not be loaded")
    expect(page.locator(f"{viewer.pane}[data-rendered]")).to_be_attached()
    page.unroute_all()
    page.locator("button[data-series-uid]").first.click()
    expect(page.locator(f"{viewer.pane}[data-index]")).to_be_attached()
    expect(banner).to_be_hidden()
