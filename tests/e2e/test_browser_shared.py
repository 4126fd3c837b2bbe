"""A shared link from hand to hand: made on a study's page, opened by somebody without an account, ended again."""

import subprocess
import sys
import time

import pytest
from playwright.sync_api import Page, expect

from tests import builders
from tests.e2e.chromium import Clinic, Viewer
from tests.e2e.running import ROOT
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
# What an administrator does on the page of the role.
ALLOW = (
    "import django; django.setup(); from accounts.models import Role; role = Role.objects.get(name='clinician'); "
    "role.permissions = [*role.permissions, 'study.share']; role.save()"
)


def allow(clinic: Clinic) -> None:
    """Let clinicians share."""
    environment = {**clinic.archive.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"}
    subprocess.run([sys.executable, "-c", ALLOW], cwd=ROOT, env=environment, check=True, timeout=60)


def shared(clinic: Clinic, study_uid: str) -> tuple[Page, str, str]:
    """Rosa's page with the two halves of the link that she has just made, and the halves."""
    page = clinic.stranger()
    clinic.enter(page, "rosa")
    page.goto(f"{clinic.archive.url}/studies/{study_uid}/")
    page.get_by_role("link", name="Share by a link").click()
    page.get_by_label("For whom").fill("Dr Ohne Konto")
    page.get_by_label("Reason").fill("A second opinion was asked for.")
    page.get_by_role("button", name="Make the link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The link is made")
    return page, page.locator("#address").inner_text(), page.locator("#passphrase").inner_text()


def test_somebody_without_an_account_sees_the_study_until_the_link_is_ended(clinic: Clinic) -> None:
    allow(clinic)
    study = builders.study(2)
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, study).status_code == 200
    rosa, address, passphrase = shared(clinic, str(study[0].StudyInstanceUID))

    reader, asked = clinic.stranger(), list[str]()
    reader.on("request", lambda request: asked.append(f"{request.url} {request.headers.get('referer', '')}"))
    reader.goto(address)
    assert "#" not in reader.url
    reader.get_by_label("Passphrase").fill(passphrase.upper().replace("-", " "))
    reader.get_by_role("button", name="Open the study").click()
    assert Viewer(reader).shows(0)
    for name in ("Lock", "Priors"):
        expect(reader.get_by_role("button", name=name, exact=True)).to_be_hidden()
    for key in ("q", "b"):
        reader.keyboard.press(key)
    expect(reader.locator("[data-guard], dialog[open]")).to_have_count(0)
    assert not [url for url in asked if address.partition("#")[2] in url]

    rosa.goto(f"{clinic.archive.url}/shares/")
    expect(rosa.get_by_role("row").filter(has_text="Dr Ohne Konto")).to_contain_text("1 ×")
    rosa.get_by_role("button", name="End", exact=True).click()
    ended = time.monotonic()
    expect(reader.locator("[data-guard=over]")).to_be_visible()
    assert time.monotonic() - ended < 5
    expect(reader.locator("canvas")).to_have_count(0)

    reader.goto(address)
    reader.get_by_label("Passphrase").fill(passphrase)
    reader.get_by_role("button", name="Open the study").click()
    expect(reader.get_by_role("alert")).to_contain_text("open nothing")
