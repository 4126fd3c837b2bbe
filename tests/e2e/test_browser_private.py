"""Priors one click away, a copy for a purpose, and nothing of a patient left behind in the browser."""

import re
from io import BytesIO
from pathlib import Path
from urllib.parse import unquote
from zipfile import ZipFile

import numpy as np
import pytest
from playwright.sync_api import ConsoleMessage, Page, Response, expect
from pydicom import Dataset

from tests import builders
from tests.e2e.chromium import DESK, FLAGS, Clinic, Viewer, open_study, program
from tests.e2e.sweep import readable, sweep
from tests.e2e.traffic import execute, stow, stow_files

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

KEPT = """async () => JSON.stringify([
  {...localStorage}, {...sessionStorage}, await indexedDB.databases(), await caches.keys(),
  (await navigator.serviceWorker.getRegistrations()).length, history.state, document.cookie,
])"""


# What a debugger evaluates may evaluate more; a timer with a text is the page's own doing.
EVALUATED = """() => new Promise(done => {
  addEventListener("securitypolicyviolation", event => done(`${event.effectiveDirective} ${event.blockedURI}`));
  addEventListener("evaluated", () => done("evaluated"));
  setTimeout("dispatchEvent(new Event('evaluated'))", 0);
})"""


def two_studies(clinic: Clinic, who: builders.Identity) -> tuple[list[Dataset], list[Dataset]]:
    """Send two studies of one patient, a year apart."""
    present = builders.study(3, who, StudyDate="20260301")
    prior = builders.study(2, who, StudyDate="20250301")
    tom = clinic.archive.session(clinic.logins["tom"].token)
    assert stow(tom, clinic.archive, [*present, *prior]).status_code == 200
    return present, prior


def beside(page: Page, clinic: Clinic, study_uid: str, prior_uid: str) -> tuple[Viewer, Viewer]:
    """Open a study and one of its priors beside it."""
    viewer, second = open_study(page, clinic.archive, study_uid), Viewer(page, 1)
    page.get_by_role("button", name="Priors").click()
    page.locator(f'[data-prior="{prior_uid}"]').click()
    second.shows(0)
    return viewer, second


def test_a_prior_opens_beside_the_study_and_each_pane_shows_its_own_values(clinic: Clinic) -> None:
    present, prior = two_studies(clinic, builders.Identity())
    page = clinic.page("rosa")

    viewers = beside(page, clinic, str(present[0].StudyInstanceUID), str(prior[0].StudyInstanceUID))

    for viewer, study in zip(viewers, (present, prior), strict=True):
        assert viewer.attribute("study") == study[0].StudyInstanceUID
        ds = next(ds for ds in study if ds.SOPInstanceUID == viewer.shows(0))
        pixels = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
        assert viewer.value(5, 9) == [float(pixels[9, 5]) - 1024]
    date = page.locator(f'{viewers[1].pane} [data-overlay="date"]')
    expect(date).to_contain_text("1 Mar 2025")


def test_nothing_of_a_patient_stays_in_the_browser_or_stands_in_an_address(clinic: Clinic, tmp_path: Path) -> None:
    who, profile = builders.Identity(), tmp_path / "profile"
    present, prior = (str(study[0].StudyInstanceUID) for study in two_studies(clinic, who))
    asked, complaints, policies = list[str](), list[str](), set[str]()

    def hear(message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            complaints.append(message.text)

    def note(response: Response) -> None:
        policies.add(response.headers.get("content-security-policy", "-"))

    context = clinic.browser.browser_type.launch_persistent_context(
        profile, executable_path=program(), args=list(FLAGS), ignore_https_errors=True, viewport=DESK, locale="en-GB"
    )
    context.on("request", lambda request: asked.append(request.url))
    context.on("response", note)
    context.on("console", hear)
    context.on("weberror", lambda error: complaints.append(str(error.error)))
    page = context.new_page()
    clinic.enter(page, "rosa")
    page.get_by_label("Patient name").fill(who.name.split("^")[0].lower())
    page.get_by_role("button", name="Find").click()
    expect(page.locator("table.list tbody tr")).to_have_count(2)
    page.get_by_role("row").filter(has_text="2026-03-01").get_by_role("link").first.click()
    Viewer(page).shows(0)
    beside(page, clinic, present, prior)
    page.locator("[data-measurements]").wait_for(state="attached")
    kept = page.evaluate(KEPT)
    page.get_by_role("link", name="Studies").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Studies")
    context.close()

    assert complaints == []
    assert any("/frames/1" in url for url in asked)
    assert readable(unquote("\n".join(asked)).encode(), who.words()) == set()
    assert readable(kept.encode(), who.words()) == set()
    assert [policy for policy in policies if re.search(r"(?<!wasm-)unsafe-eval", policy)] == []
    assert all("script-src 'self' 'wasm-unsafe-eval'" in policy for policy in policies - {"-"})
    # The study's UID shows that the sweep reads what the profile keeps: it stands in the history.
    assert sweep([present], [profile]) != []
    assert sweep(who.words(), [profile]) == []


def test_every_worker_and_page_is_forbidden_to_evaluate_text(clinic: Clinic) -> None:
    present, _ = two_studies(clinic, builders.Identity())
    page, answers = clinic.page("rosa"), dict[str, str]()
    page.context.on(
        "response",
        lambda response: answers.update({response.url: response.headers.get("content-security-policy", "")}),
    )

    open_study(page, clinic.archive, str(present[0].StudyInstanceUID))

    programs = {url: policy for url, policy in answers.items() if url.endswith((".js", "/")) or "worker" in url}
    assert len(programs) >= 3
    assert page.evaluate(EVALUATED) == "script-src eval"
    for url, policy in programs.items():
        assert "script-src 'self' 'wasm-unsafe-eval'" in policy, url


def test_a_copy_asks_for_purpose_and_code_and_arrives_whole_on_one_event(clinic: Clinic) -> None:
    study = builders.study(12, side=128)
    uid, sent = str(study[0].StudyInstanceUID), [builders.part10(ds) for ds in study]
    assert stow_files(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, sent).status_code == 200
    page = clinic.page("rosa")
    execute(clinic.archive, "UPDATE accounts_session SET stepped_up_at = '2026-01-01 00:00:00'")
    open_study(page, clinic.archive, uid)

    page.get_by_role("link", name="Download").click()
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Download")
    assert page.get_by_label("Second opinion").evaluate("input => !input.form.checkValidity()")
    page.get_by_label("Second opinion").check()
    page.get_by_role("button", name="Download").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Is it still you?")
    page.get_by_label("Code").fill(clinic.code("rosa"))
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("Second opinion").check()
    page.get_by_label("In a few words").fill("asked by the tumour board")
    with page.expect_download() as coming:
        page.get_by_role("button", name="Download").click()

    copy = ZipFile(BytesIO(Path(coming.value.path()).read_bytes()))
    assert copy.testzip() is None
    images = [copy.read(name) for name in copy.namelist() if not name.endswith("/")]
    assert sorted(images) == sorted(sent)
    assert readable("\n".join([coming.value.suggested_filename, *copy.namelist()]).encode(), _names(study)) == set()
    officer = clinic.page("paul")
    officer.goto(f"{clinic.archive.url}/record/?kind=views&person=rosa&study={uid}")
    lines = officer.locator("table.list tbody tr").filter(has_text=re.compile(r"\bdownloaded")).all_inner_texts()
    assert len([line for line in lines if "done" in line]) == 1, lines


def _names(study: list[Dataset]) -> list[str]:
    return [part for ds in study for part in str(ds.PatientName).split("^")] + [str(study[0].PatientID)]
