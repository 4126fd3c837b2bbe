"""A damaged image in a real browser: red ground with a way to its history, never pixels; its neighbours show."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests import builders
from tests.e2e.chromium import Clinic, open_study
from tests.e2e.traffic import asked, stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
WHERE = (
    "SELECT pack.name || ' ' || image.\"offset\" FROM archive_instance image "
    "JOIN archive_pack pack ON pack.id = image.pack_id WHERE image.uid = '{}'"
)


def flip(clinic: Clinic, sop_uid: str) -> None:
    """Change one bit of the first chunk of an image's sealed bytes."""
    name, offset = asked(clinic.archive, WHERE.format(sop_uid)).split()
    path = clinic.archive.root / "data" / "packs" / Path(f"{name}.pack")
    with path.open("r+b") as pack:
        pack.seek(int(offset) + 200)
        (byte,) = pack.read(1)
        pack.seek(int(offset) + 200)
        pack.write(bytes([byte ^ 1]))


def test_a_damaged_image_is_red_ground_that_leads_to_its_digest_and_history(clinic: Clinic) -> None:
    study = builders.study(3, side=64)
    uid, broken = str(study[0].StudyInstanceUID), str(study[1].SOPInstanceUID)
    tom = clinic.archive.session(clinic.logins["tom"].token)
    assert stow(tom, clinic.archive, study).status_code == 200
    flip(clinic, broken)
    page = clinic.page("rosa")
    viewer = open_study(page, clinic.archive, uid)
    page.locator(f"{viewer.pane} .canvas").hover()
    page.keyboard.press("ArrowDown")
    tile = page.locator(f'{viewer.pane} [data-tile="bad"]')
    expect(tile).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert viewer.shows(2) == study[2].SOPInstanceUID
    expect(tile).to_be_hidden()
    page.keyboard.press("ArrowUp")
    expect(tile).to_be_visible()
    tile.get_by_role("link").click()
    expect(page).to_have_url(re.compile(rf"/studies/{re.escape(uid)}/fixity/\?image={re.escape(broken)}"))
    expect(page.locator("body")).to_contain_text("damaged")
    expect(page.locator("body")).to_contain_text("It does not open: it was changed, cut or moved.")
