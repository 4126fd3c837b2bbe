"""From an empty machine to a clinician who reads: the first administrator, a group, a person, a device."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, expect

from tests.e2e.chromium import Clinic
from tests.e2e.running import Archive, running

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
PHRASE = "seven quiet herons over the harbour"


@pytest.fixture
def fresh(chromium: Browser, tmp_path: Path) -> Iterator[tuple[Clinic, str]]:
    """An archive without any person, and the link that `manage.py setup` printed."""
    archive = Archive(tmp_path / "custos")
    (archive.root / "tmp").mkdir(parents=True)
    printed = archive.manage("setup").stdout
    link = re.search(r"https://\S+/setup/#\S+", printed)
    assert link is not None, printed
    with running(archive):
        clinic = Clinic(archive, chromium, {})
        yield clinic, link.group()
        clinic.tidy()


def seed_shown(page: Page) -> str:
    """Read the secret beside the QR code, as who has no camera does."""
    expect(page.get_by_role("heading", level=1)).to_have_text("Your second factor")
    picture = page.get_by_alt_text("QR code for the authenticator app")
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    page.get_by_text("The camera does not work?").click()
    return page.locator("#secret").inner_text().replace(" ", "")


def enrol(clinic: Clinic, page: Page, seed: str) -> list[str]:
    """Confirm the factor with this seed by a code of it; return the recovery codes."""
    page.get_by_label("Code").fill(clinic.code(seed, seed))
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    return page.locator("#recovery-codes li").all_inner_texts()


def test_the_first_administrator_comes_by_a_link_that_then_is_dead_and_invites_a_clinician(
    fresh: tuple[Clinic, str],
) -> None:
    clinic, link = fresh
    page = clinic.stranger()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    the_first_administrator_enters(clinic, page, link)
    assert not [url for url in asked if link.split("#")[1] in url]
    the_link_is_dead(clinic, link)
    password = a_department_is_made(page)

    refused = page.goto(f"{clinic.archive.url}/studies/")
    assert refused is not None
    assert refused.status == 403
    a_new_clinician_must_choose_and_enrol(clinic, password)


def the_first_administrator_enters(clinic: Clinic, page: Page, link: str) -> None:
    page.goto(link)
    page.get_by_label("Your name").fill("Ada Klein")
    page.get_by_label("User name").fill("ada")
    page.get_by_label("Password").fill(PHRASE)
    page.get_by_role("button", name="Continue").click()
    assert len(set(enrol(clinic, page, seed_shown(page)))) == 10
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("People")
    # The browser kept no copy of the page with the codes, and would have to post the form again.
    with pytest.raises(Error, match="ERR_CACHE_MISS"):
        page.go_back()
    page.wait_for_url(re.compile("^chrome-error:"))
    page.goto(clinic.archive.url)


def the_link_is_dead(clinic: Clinic, link: str) -> None:
    page = clinic.stranger()
    page.goto(link)
    expect(page.get_by_text("This link has been used or has expired.")).to_be_visible()
    expect(page.get_by_label("Password")).to_have_count(0)


def a_department_is_made(page: Page) -> str:
    """Make a group, a device and a clinician; return the initial password, which is shown once."""
    page.get_by_role("link", name="Groups").click()
    page.get_by_label("New group").fill("Radiology")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("cell", name="Radiology")).to_be_visible()

    page.get_by_role("link", name="Devices").click()
    page.get_by_role("link", name="New device").click()
    page.get_by_label("AE title").fill("MR_ONE")
    page.get_by_label("Address or range").fill("127.0.0.1")
    page.get_by_label("store").check()
    page.get_by_label("Radiology").check()
    page.get_by_role("button", name="Create").click()
    for words in ("store", "Radiology", "MR_ONE"):
        expect(page.get_by_role("definition").get_by_text(words, exact=True)).to_be_visible()

    page.get_by_role("link", name="People").click()
    page.get_by_role("link", name="New person").click()
    page.get_by_label("User name").fill("rosa")
    page.get_by_label("Name", exact=True).fill("Rosa Weber")
    page.get_by_label("clinician").check()
    page.get_by_label("Radiology").check()
    page.get_by_role("button", name="Create").click()
    return page.locator("#initial-password").inner_text()


def a_new_clinician_must_choose_and_enrol(clinic: Clinic, password: str) -> None:
    page = clinic.stranger()
    page.goto(f"{clinic.archive.url}/studies/")
    page.get_by_label("User name").fill("rosa")
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Choose a password")
    for way_around in ("/sign-in/enrol/", "/sign-in/code/"):
        page.goto(f"{clinic.archive.url}{way_around}")
        expect(page.get_by_role("heading", level=1)).to_have_text("Choose a password")
    page.get_by_label("New password").fill(PHRASE[::-1])
    page.get_by_role("button", name="Continue").click()
    page.goto(f"{clinic.archive.url}/studies/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")
    page.goto(f"{clinic.archive.url}/sign-in/enrol/")
    assert len(enrol(clinic, page, seed_shown(page))) == 10
    page.goto(f"{clinic.archive.url}/studies/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Studies")
    expect(page.get_by_text("No studies have arrived for you yet.")).to_be_visible()
