"""Every page in both languages and both themes, on a wide and on a narrow screen."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Page, ViewportSize, expect

from tests import builders
from tests.e2e.chromium import DESK, Clinic, Viewer
from tests.e2e.conftest import Newcomers
from tests.e2e.running import ROOT
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

PICTURES = os.environ.get("PACS_TEST_PICTURES", "")  # the folder to which each page is painted
TABLET = ViewportSize(width=820, height=1180)

# French words that English has too; the standard's own words; and names that stand in tables and are data.
ALIKE = frozenset(
    {"Accession", "Date", "Description", "Destruction", "Image", "Images", "Original", "Pages", "Patient", "Session"}
)
ALIKE |= {"Verdict", "Port", "Services", "Sessions", "Zoom", "Zoom (z)"}
PROPER = (
    *("CT_ONE", "ECHO_ONE", "Radiology", "Cardiology", "Unassigned"),
    *("store", "find", "get", "move", "commit", "worklist", "study.search", "study.view"),
    *("administrator", "clinician", "keeper", "privacy officer", "technologist"),
    *("subject", "language", "theme"),
    *("lends studies", "Weber^Rosa^^Dr."),
)

# What stands on a page in words, each with where it stands; what people and devices are called is data.
WORDS = """() => [...document.querySelectorAll(
    "h1, h2, h3, th[scope=col], label, legend, button, summary, nav a, a.button, dt, option, .help, .empty, p")]
  .filter(element => element.checkVisibility())
  .filter(element => !element.closest("[data-overlay], .mono, .strip .words, .heading, .toolbar h1, main [lang]"))
  .map(element => [...element.childNodes].filter(node => node.nodeType === 3).map(node => node.data.trim()).join(" "))
  .concat([...document.querySelectorAll("[aria-label], [title], [placeholder], [alt]")].flatMap(element =>
    ["aria-label", "title", "placeholder", "alt"].map(name => element.getAttribute(name) ?? "")))
  .filter(text => /[a-z]{3}/i.test(text) && !/^[^ ]+:[0-9]+:[0-9a-f]+$/.test(text))"""

# What axe would say first.
FAULTS = """() => {
  const faults = [], all = selector => [...document.querySelectorAll(selector)];
  const root = document.documentElement, name = element => element.outerHTML.slice(0, 120);
  const called = element => (element.getAttribute("aria-label") || element.textContent || element.title).trim();
  if (all("h1").length !== 1) faults.push(`${all("h1").length} first headings`);
  if (all("main").length !== 1) faults.push(`${all("main").length} main parts`);
  const beyond = root.scrollWidth - root.clientWidth;
  if (beyond > 0) faults.push(`wider than the screen by ${beyond}`);
  const elsewhere = field => document.getElementById(field.getAttribute("aria-labelledby"));
  const labelled = field => field.labels.length || field.getAttribute("aria-label") || elsewhere(field);
  for (const field of all("input:not([type=hidden]), select, textarea"))
    if (!labelled(field)) faults.push(`no label: ${name(field)}`);
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
  const rgba = colour => colour.match(/[\\d.]+/g).map(Number);
  const over = ([r, g, b, a = 1], below) => [r, g, b].map((part, place) => part * a + below[place] * (1 - a));
  const light = colour => colour.map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, place) => sum + part * [0.2126, 0.7152, 0.0722][place], 0);
  const behind = element => element
    ? over(rgba(getComputedStyle(element).backgroundColor), behind(element.parentElement)) : [255, 255, 255];
  for (const element of all("body *").filter(one => one.checkVisibility() && !one.closest("svg, #viewer"))) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim())) continue;
    if (element.disabled || element.closest(".visually-hidden, .skip")) continue;
    const style = getComputedStyle(element), below = behind(element), size = parseFloat(style.fontSize);
    const [bright, dim] = [light(over(rgba(style.color), below)), light(below)].sort((a, b) => b - a);
    const large = size >= 24 || (size >= 18.6 && style.fontWeight >= 700);
    const ratio = (bright + 0.05) / (dim + 0.05), least = large ? 3 : 4.5;
    if (ratio < least) faults.push(`too pale (${ratio.toFixed(1)}): ${name(element)}`);
  }
  return faults;
}"""


@dataclass(frozen=True)
class Ward:
    """An archive with something on every page, and the paths of the pages for each of the people."""

    clinic: Clinic
    pages: dict[str, dict[str, str]]


@pytest.fixture
def ward(clinic: Clinic, newcomer: Newcomers) -> Ward:
    study = builders.study(4, builders.Identity(name="BERTHIER^ODETTE", description="THORAX"))
    changed = builders.ct_slice(
        study_uid=study[0].StudyInstanceUID, series_uid=study[0].SeriesInstanceUID, sop_uid=study[0].SOPInstanceUID
    )
    tom = clinic.archive.session(clinic.logins["tom"].token)
    assert stow(tom, clinic.archive, study).status_code == 200
    assert stow(tom, clinic.archive, [changed]).status_code == 200
    administrator, keeper, granter = newcomer("administrator", ""), newcomer("keeper", ""), newcomer()
    trashed = builders.study(1)[0]
    assert stow(tom, clinic.archive, [trashed]).status_code == 200
    clinic.archive.manage("study", "trash", str(trashed.StudyInstanceUID))
    hidden = builders.study(1)[0]
    assert stow(tom, clinic.archive, [hidden]).status_code == 200
    place = f"/studies/{study[0].StudyInstanceUID}/"
    uids, outsider = (str(study[0].StudyInstanceUID), str(hidden.StudyInstanceUID)), newcomer("clinician", "Cardiology")
    at = furnished(clinic, *uids, administrator, granter, outsider)
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
                "passkeys": "/me/passkeys/",
                "break-glass": "/break-glass/",
                "mine": "/record/mine/",
            },
            "tom": {"held": f"{place}held/", "trash": f"{place}trash/", "trashed": "/trash/"},
            granter: {"grants": "/grants/", "grant": f"{place}grant/", "tokens-of-mine": "/me/"},
            outsider: {"with-glass": "/studies/"},
            "paul": {
                "record": "/record/?kind=views",
                "sitting": "/record/?kind=views > table a[href*=sittings]",
                "event": "/record/?kind=people > table a[href*=events]",
                "alerts": "/record/alerts/",
                "health": "/record/health/",
                "patients": "/record/patients/",
                "patient": at["patient"],
                "restricted": "/restricted/",
                "holds": "/holds/",
                "glass-reviews": "/break-glass/reviews/",
                "glass-review": at["review"],
                "glass-shares": "/break-glass/shares/",
                "locked": "/people/locked/",
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
                "callers": "/devices/callers/",
                "equipment": "/devices/equipment/",
                "sessions": "/sessions/",
                "tokens": "/tokens/",
                "roles": "/roles/",
                "role": at["role"],
                "new-role": "/roles/new/",
                "group": at["group"],
                "rules": "/groups/rules/",
                "approvals": "/approvals/",
                "approval": at["approval"],
                "spellings": at["spellings"],
            },
            keeper: {
                "destruction": "/destruction/",
                "destroy": f"/studies/{trashed.StudyInstanceUID}/destroy/",
                "certificates": "/destruction/certificates/",
            },
        },
    )


def furnished(clinic: Clinic, *words: str) -> dict[str, str]:
    """Put something on the pages that are mostly empty; return where those are whose address has an id."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.furnishing", *words],
        cwd=ROOT,
        env={**clinic.archive.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def test_every_page_speaks_both_languages_fits_both_screens_and_is_labelled(ward: Ward) -> None:
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
                    faults += faults_of(page, Path(PICTURES, f"{name}-{language}-{theme}"))
                    said.setdefault(name, {}).setdefault(language, set()).update(page.evaluate(WORDS))
        finally:
            choose(page, ward, username, "en", "dark")

    assert faults == []
    untranslated = {words: name for name, of in said.items() for words in of["en"] & of["fr"] - ALIKE}
    data = (*ward.clinic.logins, *PROPER)
    unknown = [f"{name}: {words}" for words, name in sorted(untranslated.items()) if not is_data(words, data)]
    assert unknown == [], "\n".join(unknown)


def is_data(words: str, data: Iterable[str]) -> bool:
    """Whether a text consists of names of people, groups and devices only."""
    left = words
    for name in sorted(filter(None, data), key=len, reverse=True):
        left = left.replace(name, "")
    return re.search(r"[A-Za-z]{3}", left) is None


def faults_of(page: Page, picture: Path) -> list[str]:
    """What is wrong with a page on a wide and on a narrow screen; pictures of both, if somebody wants to look."""
    found = []
    for size in (TABLET, DESK):
        page.set_viewport_size(size)
        found += [f"{picture.name} {size['width']}: {fault}" for fault in page.evaluate(FAULTS)]
        if PICTURES:
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
