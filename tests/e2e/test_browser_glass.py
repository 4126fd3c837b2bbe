"""The glass broken in a real browser: told at once, ended, and reviewed by somebody else."""

import pytest
from playwright.sync_api import expect

from tests import builders
from tests.e2e.chromium import Clinic, open_study
from tests.e2e.conftest import Newcomers
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
WORDS = "The patient lies in resuscitation."


def test_the_glass_is_broken_for_one_patient_told_at_once_ended_and_reviewed(
    clinic: Clinic, newcomer: Newcomers
) -> None:
    who = builders.Identity()
    images = [builders.ct_slice(who)]
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, images).status_code == 200
    uid, olga, paul = images[0].StudyInstanceUID, clinic.stranger(), clinic.stranger()
    name = newcomer("clinician", "Cardiology")
    clinic.enter(olga, name)
    clinic.enter(paul, newcomer("privacy officer", ""))
    refused = olga.goto(f"{clinic.archive.url}/studies/{uid}/")
    assert refused is not None
    assert refused.status == 404

    olga.goto(f"{clinic.archive.url}/break-glass/")
    olga.get_by_label("Patient ID").fill(images[0].PatientID)
    olga.get_by_label("Reason").select_option("emergency")
    olga.get_by_label("In your own words").fill(WORDS)
    olga.get_by_role("button", name="Open the studies for one hour").click()
    expect(olga.get_by_text("The privacy officer has been told.")).to_be_visible()
    viewer = open_study(olga, clinic.archive, uid)
    expect(viewer.page.get_by_text("You see studies that are not yours to see")).to_be_visible()
    paul.goto(f"{clinic.archive.url}/record/alerts/")
    told = paul.locator("li, article, tr").filter(has_text="Somebody broke the glass").filter(has_text=name)
    expect(told.first).to_be_visible()

    olga.goto(f"{clinic.archive.url}/studies/")
    olga.get_by_role("button", name="End it now").click()
    expect(olga.get_by_role("button", name="End it now")).to_have_count(0)
    gone = olga.goto(f"{clinic.archive.url}/studies/{uid}/")
    assert gone is not None
    assert gone.status == 404

    paul.goto(f"{clinic.archive.url}/break-glass/reviews/")
    paul.get_by_role("link", name=name).first.click()
    expect(paul.get_by_text(WORDS)).to_be_visible()
    expect(paul.get_by_role("cell", name=uid)).to_be_visible()
    paul.get_by_label("Verdict").select_option("justified")
    paul.get_by_role("button", name="Keep the verdict").click()
    paul.goto(f"{clinic.archive.url}/break-glass/reviews/?state=reviewed")
    expect(paul.get_by_role("row").filter(has_text=name).first).to_contain_text("Justified")
    paul.goto(f"{clinic.archive.url}/break-glass/reviews/")
    expect(paul.get_by_role("link", name=name)).to_have_count(0)
