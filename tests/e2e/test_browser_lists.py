"""The study list in a real browser: alive while studies arrive, no trace in addresses, nothing left after leaving."""

import re

import pytest
from playwright.sync_api import Page, expect
from pydicom import Dataset

from tests import builders
from tests.e2e.chromium import Clinic
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def arrives(clinic: Clinic, *datasets: Dataset) -> None:
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, list(datasets)).status_code == 200


def opened(clinic: Clinic) -> tuple[Page, list[str]]:
    """Rosa's list, and every address that the browser asks for from now on."""
    page, asked = clinic.page("rosa"), []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{clinic.archive.url}/studies/")
    return page, asked


def test_a_list_that_is_open_shows_what_arrives_and_counts_on_by_itself(clinic: Clinic) -> None:
    who = builders.Identity()
    first, second = builders.study(2, who)
    page, asked = opened(clinic)
    expect(page.get_by_text("New studies have arrived.")).to_be_hidden()

    arrives(clinic, first)
    expect(page.get_by_text("New studies have arrived.")).to_be_visible()
    page.get_by_role("link", name="Show them").click()
    row = page.get_by_role("row").filter(has_text=who.name.split("^")[0])
    expect(row).to_contain_text("receiving, 1 image, last")
    loaded = len([url for url in asked if url.endswith("/studies/")])

    arrives(clinic, second)
    expect(row).to_contain_text("receiving, 2 images, last")
    expect(row.locator("td.number")).to_have_text("2")
    assert len([url for url in asked if url.endswith("/studies/")]) == loaded, "the page was not loaded again"


def test_a_search_replaces_the_list_and_leaves_no_name_in_any_address(clinic: Clinic) -> None:
    who, other = builders.Identity(), builders.Identity()
    arrives(clinic, builders.study(1, who)[0], builders.study(1, other)[0])
    page, asked = opened(clinic)
    family, given = who.name.split("^")

    page.get_by_label("Patient name").fill(f"{family[:5].lower()}, {given[:3]}")
    page.keyboard.press("Enter")

    expect(page.locator("#list tbody tr")).to_have_count(1)
    expect(page.locator("#list")).to_contain_text(who.patient_id)
    expect(page.get_by_label("Patient name")).to_have_value(re.compile(family[:5], re.IGNORECASE))
    assert page.url == f"{clinic.archive.url}/studies/"
    assert not [url for url in asked if family[:5].lower() in url.lower()]


def test_after_signing_out_going_back_shows_nobody(clinic: Clinic) -> None:
    who = builders.Identity()
    arrives(clinic, builders.study(1, who)[0])
    page = clinic.stranger()
    clinic.enter(page, "rosa")
    expect(page.locator("#list")).to_contain_text(who.patient_id)

    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("User name")).to_be_visible()
    page.go_back()

    expect(page.get_by_label("User name")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text(who.patient_id)
