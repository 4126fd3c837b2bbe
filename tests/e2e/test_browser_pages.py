"""Every page in both languages and both themes, on a wide and on a narrow screen."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests import builders
from tests.e2e.chromium import DESK, Clinic, Viewer
from tests.e2e.conftest import Login
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

TABLET = ViewportSize(width=1024, height=768)

# French words that English has too; the standard's own words; and names that stand in tables and are data.
ALIKE = frozenset(
    {"Accession", "Date", "Description", "Destruction", "Image", "Images", "Original", "Pages", "Patient", "Session"}
)
ALIKE |= {"Sessions", "Zoom", "Zoom (z)"}
PROPER = (
    *("CT_ONE", "ECHO_ONE", "Radiology", "Cardiology", "Unassigned"),
    *("store", "find", "get", "move", "commit", "worklist", "study.search", "study.view"),
    *("administrator", "clinician", "keeper", "privacy officer", "technologist"),
    *("subject", "language", "theme"),
)

# What stands on a page in words, each with where it stands; what people and devices are called is data.
WORDS = """() => [...document.querySelectorAll(
    "h1, h2, h3, th[scope=col], label, legend, button, summary, nav a, a.button, dt, option, .help, .empty, p")]
  .filter(element => element.checkVisibility())
  .filter(element => !element.closest("[data-overlay], .mono, .strip .words, .heading, .toolbar h1"))
  .map(element => [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join(" "))
  .concat([...document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")].flatMap(element =>
    ["aria-label", "title", "placeholder", "alt"].map(name => element.getAttribute(name) ?? "")))
  .filter(text => /[a-z]{3}/i.test(text))"""

# What axe would say first.
FAULTS = """() => {
  const faults = [], all = selector => [...document.querySelectorAll(selector)];
  const root = document.documentElement, name = element => element.outerHTML.slice(0, 120);
  const called = element => (element.getAttribute("aria-label") || element.textContent || element.title).trim();
  if (all("h1").length !== 1) faults.push(`${all("h1").length} first headings`);
  if (all("main").length !== 1) faults.push(`${all("main").length} main parts`);
  const beyond = root.scrollWidth - root.clientWidth;
  if (beyond > 0) faults.push(`wider than the screen by ${beyond}`);
  for (const field of all("input:not([type=hidden]), select, textarea"))
    if (!field.labels.length && !field.getAttribute("aria-label")) faults.push(`no label: ${name(field)}`);
  for (const element of all("button, a[href], summary, dialog, nav")) {
    const hears = element.matches("dialog, nav") ? element.getAttribute("aria-label") : called(element);
    if (!hears) faults.push(`no name: ${name(element)}`);
  }
  for (const image of all("img:not([alt])")) faults.push(`no words: ${name(image)}`);
  for (const cell of all("td").filter(cell => cell.checkVisibility()))
    if (cell.textContent.trim() && !cell.innerText.trim()) faults.push(`hidden: ${name(cell)}`);
  const ids = all("[id]").map(element => element.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) faults.push(`twice the id ${id}`);
  for (const element of all("main button, main input:not([type=hidden]), main select, main a.button")) {
    const box = element.getBoundingClientRect();
    const inList = element.closest(".scroll, dialog, .visually-hidden");
    const cut = box.right > root.clientWidth + 1 || box.left < -1;
    if (!inList && box.width > 0 && cut) faults.push(`cut off: ${name(element)}`);
  }
  return faults;
}"""


@dataclass(frozen=True)
class Ward:
    """An archive with something on every page, and the paths of the pages for each of the people."""

    clinic: Clinic
    pages: dict[str, dict[str, str]]


@pytest.fixture
def ward(clinic: Clinic) -> Ward:
    study = builders.study(4, builders.Identity(name="BERTHIER^ODETTE", description="THORAX"))
    changed = builders.ct_slice(
        study_uid=study[0].StudyInstanceUID, series_uid=study[0].SeriesInstanceUID, sop_uid=study[0].SOPInstanceUID
    )
    tom = clinic.archive.session(clinic.logins["tom"].token)
    assert stow(tom, clinic.archive, study).status_code == 200
    assert stow(tom, clinic.archive, [changed]).status_code == 200
    administrator = "ada-" + builders.word(6).lower()
    told = clinic.archive.told("person", "add", administrator, "--role", "administrator")
    clinic.logins[administrator] = Login(administrator, told["password"], told["totp_uri"], "")
    keeper = "kim-" + builders.word(6).lower()
    told = clinic.archive.told("person", "add", keeper, "--role", "keeper")
    clinic.logins[keeper] = Login(keeper, told["password"], told["totp_uri"], "")
    trashed = builders.study(1)[0]
    assert stow(tom, clinic.archive, [trashed]).status_code == 200
    clinic.archive.manage("study", "trash", str(trashed.StudyInstanceUID))
    place = f"/studies/{study[0].StudyInstanceUID}/"
    return Ward(
        clinic,
        {
            "": {"sign-in": "/sign-in/", "set-up": "/setup/"},
            "rosa": {
                "study": place,
                "studies": "/studies/",
                "download": f"{place}download/",
                "me": "/me/",
                "not-found": "/studies/1.2.3/",
            },
            "tom": {"held": f"{place}held/"},
            "paul": {
                "record": "/record/?kind=views",
                "sitting": "/record/?kind=views > table a[href*=sittings]",
                "event": "/record/?kind=people > table a[href*=events]",
                "alerts": "/record/alerts/",
                "forbidden": "/people/",
            },
            administrator: {
                "people": "/people/",
                "person": "/people/ > table a",
                "new-person": "/people/new/",
                "groups": "/groups/",
                "devices": "/devices/",
                "device": "/devices/ > table a",
                "new-device": "/devices/new/",
            },
            keeper: {
                "destruction": "/destruction/",
                "destroy": f"/studies/{trashed.StudyInstanceUID}/destroy/",
                "certificates": "/destruction/certificates/",
            },
        },
    )


def test_every_page_speaks_both_languages_fits_both_screens_and_is_labelled(ward: Ward, tmp_path: Path) -> None:
    said: dict[str, dict[str, set[str]]] = {}
    faults: list[str] = []
    for username, pages in ward.pages.items():
        page = ward.clinic.page(username) if username else ward.clinic.stranger()
        try:
            for language, theme in (("fr", "light"), ("en", "dark")):
                choose(page, ward, username, language, theme)
                for name, path in pages.items():
                    visit(page, ward, path)
                    expect(page.locator("html")).to_have_attribute("lang", language)
                    expect(page.locator("html")).to_have_attribute("data-theme", theme if username else "dark")
                    faults += faults_of(page, tmp_path / f"{name}-{language}-{theme}")
                    said.setdefault(name, {}).setdefault(language, set()).update(page.evaluate(WORDS))
        finally:
            choose(page, ward, username, "en", "dark")

    assert faults == []
    untranslated = {words: name for name, of in said.items() for words in of["en"] & of["fr"] - ALIKE}
    data = (*ward.pages, *PROPER)
    unknown = [f"{name}: {words}" for words, name in sorted(untranslated.items()) if not is_data(words, data)]
    assert unknown == [], "\n".join(unknown)


def is_data(words: str, data: Iterable[str]) -> bool:
    """Whether a text consists of names of people, groups and devices only."""
    left = words
    for name in sorted(filter(None, data), key=len, reverse=True):
        left = left.replace(name, "")
    return re.search(r"[A-Za-z]{3}", left) is None


def faults_of(page: Page, picture: Path) -> list[str]:
    """What is wrong with a page on a wide and on a narrow screen; a picture of each is kept for people to look at."""
    found = []
    for size in (TABLET, DESK):
        page.set_viewport_size(size)
        found += [f"{picture.name} {size['width']}: {fault}" for fault in page.evaluate(FAULTS)]
        page.screenshot(path=f"{picture}-{size['width']}.png")
    return found


def choose(page: Page, ward: Ward, username: str, language: str, theme: str) -> None:
    """Choose language and theme as a person does: on the own account's page, a stranger by the button."""
    page.goto(f"{ward.clinic.archive.url}{'/me/' if username else '/sign-in/'}")
    if username:
        page.locator("#language").select_option(language)
        page.locator("#theme").select_option(theme)
        page.locator("form:has(#theme) button").click()
    elif page.locator("html").get_attribute("lang") != language:
        page.locator(f'button[name="language"][value="{language}"]').click()
    expect(page.locator("html")).to_have_attribute("lang", language)


def visit(page: Page, ward: Ward, path: str) -> None:
    """Go to a page, by a link on another one where its address is not known before; wait until it is complete."""
    address, _, link = path.partition(" > ")
    page.goto(f"{ward.clinic.archive.url}{address}")
    if link:
        page.locator(link).first.click()
        page.wait_for_load_state()
    if page.locator("#viewer").count():
        Viewer(page).shows(0)
