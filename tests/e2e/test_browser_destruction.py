"""A keeper destroys a study in a browser: reads, confirms by word and code, sees it end, and keeps the certificate."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import builders
from tests.e2e.chromium import Clinic
from tests.e2e.conftest import Login
from tests.e2e.traffic import execute, stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def test_a_keeper_destroys_a_study_and_keeps_its_certificate(clinic: Clinic) -> None:
    who = builders.Identity()
    study = builders.study(3, who)
    uid = str(study[0].StudyInstanceUID)
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, study).status_code == 200
    clinic.archive.manage("study", "trash", uid)
    execute(clinic.archive, f"UPDATE accounts_withdrawn SET at = '2026-01-01 00:00:00' WHERE study_uid = '{uid}'")
    keeper = "kim-" + builders.word(6).lower()
    told = clinic.archive.told("person", "add", keeper, "--role", "keeper")
    clinic.logins[keeper] = Login(keeper, told["password"], told["totp_uri"], "")
    page = clinic.page(keeper)
    execute(clinic.archive, "UPDATE accounts_session SET stepped_up_at = '2026-01-01 00:00:00'")

    page.goto(clinic.archive.url)
    expect(page.get_by_role("heading", level=1)).to_have_text("Destruction")
    page.locator(f'tr[data-study="{uid}"]').get_by_role("link", name="Destroy").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it still you?")
    page.get_by_label("Code").fill(clinic.code(keeper))
    page.get_by_role("button", name="Continue").click()
    expect(page.locator("#consequences")).to_contain_text("This cannot be undone.")
    page.get_by_label(re.compile("To confirm")).fill("not it")
    page.get_by_role("button", name="Destroy for ever").click()
    expect(page.get_by_role("alert")).to_contain_text("Nothing was destroyed.")
    page.get_by_label(re.compile("To confirm")).fill(uid[-6:])
    page.get_by_role("button", name="Destroy for ever").click()

    # Nobody loads the page anew: it asks by itself until the worker is done.
    expect(page.locator("#steps")).to_have_attribute("data-state", "complete")
    with page.expect_download() as coming:
        page.get_by_role("link", name="Download the certificate").click()
    note = Path(coming.value.path()).read_text()
    assert f'"study":"{uid}"' in note
    assert [word for word in who.words() if word in note or word in page.content()] == []
    page.get_by_role("link", name="All certificates").click()
    expect(page.get_by_role("row").filter(has_text=uid)).to_contain_text("complete")
