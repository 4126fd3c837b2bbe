"""What a list tells while images arrive, what is held back for a person, and how a damaged image looks."""

import copy
import sqlite3
from contextlib import closing
from io import BytesIO
from secrets import token_bytes

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect
from pydicom.dataset import Dataset

from tests import builders
from tests.e2e.chromium import Clinic, open_study
from tests.e2e.running import Archive, wait_for
from tests.e2e.traffic import stow

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def send(clinic: Clinic, images: list[Dataset]) -> None:
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, images).status_code == 200


def state_of(page: Page, study_uid: str) -> Locator:
    return page.locator(f"#state-{study_uid.replace('.', '-')}")


def test_the_list_says_receiving_while_a_study_arrives_and_quiet_after(clinic: Clinic) -> None:
    study = builders.study(5)
    uid = str(study[0].StudyInstanceUID)
    page = clinic.page("rosa")
    page.goto(f"{clinic.archive.url}/studies/")

    send(clinic, study[:1])
    page.get_by_role("link", name="Show them").click()
    state = state_of(page, uid)
    expect(state).to_contain_text("receiving, 1 image, last")
    send(clinic, study[1:])
    # Nothing is pressed from here on: the list keeps itself up to date.
    expect(state).to_contain_text("receiving, 5 images, last")
    expect(page.locator(f"#{state.get_attribute('id')}-images")).to_have_text("5")
    expect(state).to_contain_text("quiet since", timeout=45_000)


def test_another_image_under_a_known_uid_is_held_back_until_a_person_accepts_it(clinic: Clinic) -> None:
    [original] = builders.study(1)
    uid = str(original.StudyInstanceUID)
    newcomer = copy.deepcopy(original)
    newcomer.SeriesDescription = "REPEATED"
    newcomer.PixelData = (np.frombuffer(token_bytes(2048), "<u2") & 0x0FFF).tobytes()
    send(clinic, [original])
    page = clinic.page("rosa")
    page.goto(f"{clinic.archive.url}/studies/")
    expect(state_of(page, uid)).not_to_contain_text("held back")
    send(clinic, [newcomer])
    expect(state_of(page, uid)).to_contain_text("newer images held back")
    assert open_study(page, clinic.archive, uid).value(3, 4) == [stored(original, 3, 4)]

    reviewer = clinic.page("tom")
    reviewer.goto(f"{clinic.archive.url}/studies/{uid}/")
    reviewer.get_by_role("link", name="newer images held back").click()
    expect(reviewer.get_by_role("heading", level=1)).to_have_text("Images held back")
    difference = reviewer.locator("#difference")
    expect(difference).to_contain_text("The pixels differ.")
    row = difference.get_by_role("row").filter(has_text="Series Description")
    assert row.locator("td").all_inner_texts() == [original.SeriesDescription, "REPEATED"]
    assert difference.locator("tr.differs").count() == 1
    reviewer.get_by_role("button", name="Show the newcomer instead").click()
    expect(reviewer.get_by_text("Nothing is held back for this study.")).to_be_visible()

    assert open_study(page, clinic.archive, uid).value(3, 4) == [stored(newcomer, 3, 4)]
    expect(page.get_by_role("link", name="newer images held back")).to_have_count(0)


def stored(ds: Dataset, column: int, row: int) -> float:
    """The modality value that a pixel of a synthetic image was made with."""
    pixels = np.frombuffer(ds.PixelData, "<u2").reshape(ds.Rows, ds.Columns)
    return float(pixels[row, column]) - 1024


def test_a_damaged_image_shows_no_pixels_and_raises_an_alert(clinic: Clinic) -> None:
    study = builders.study(3, side=256)
    uid, broken = str(study[0].StudyInstanceUID), study[1]
    send(clinic, study)
    object_id = flip_a_byte(clinic.archive, str(broken.SOPInstanceUID))
    page = clinic.page("rosa")

    viewer = open_study(page, clinic.archive, uid)
    first = viewer.shows(0)
    page.keyboard.press("ArrowDown")
    tile = page.locator(f'{viewer.pane} [data-tile="bad"]')
    expect(tile).to_contain_text("This image is damaged and is not shown.")
    assert viewer.attribute("sop") == broken.SOPInstanceUID
    assert viewer.attribute("rendered") == ""
    is_red_all_over(page.locator(viewer.pane).screenshot())
    page.keyboard.press("ArrowDown")
    assert {first, viewer.shows(2)} == {study[0].SOPInstanceUID, study[2].SOPInstanceUID}
    expect(tile).to_be_hidden()

    officer = clinic.page("paul")
    row = officer.locator("ol.alerts > li").filter(has_text=object_id)

    def alerted() -> bool:
        officer.goto(f"{clinic.archive.url}/record/alerts/")
        return row.count() == 1

    wait_for(alerted, 20, "the alert")
    expect(row).to_contain_text("does not open")
    row.get_by_role("button", name="Mark as seen").click()
    expect(row).to_have_count(0)
    officer.goto(f"{clinic.archive.url}/record/alerts/?state=seen")
    expect(row).to_contain_text("paul")


def is_red_all_over(screenshot: bytes) -> None:
    """Hold a picture of a pane against what random pixels would look like: nearly all of it is one dark red."""
    picture = np.asarray(Image.open(BytesIO(screenshot)).convert("RGB")).reshape(-1, 3)
    ground = np.median(picture, axis=0)
    red, green, blue = ground
    assert red > 1.5 * max(green, blue)
    assert (np.abs(picture - ground).max(axis=1) < 12).mean() > 0.95


def flip_a_byte(archive: Archive, sop_uid: str) -> str:
    """Change one byte near the end of a stored object in its pack; return the object's id as the alert names it."""
    with closing(sqlite3.connect(archive.root / "data" / "index.sqlite3", timeout=30)) as connection:
        [(name, offset, length, object_id)] = connection.execute(
            'SELECT p.name, i."offset", i.length, i.id FROM archive_instance i JOIN archive_pack p ON p.id = i.pack_id '
            "WHERE i.uid = ?",
            [sop_uid],
        ).fetchall()
    pack = archive.root / "data" / "packs" / f"{name}.pack"
    with pack.open("r+b") as file:
        file.seek(offset + length - 100)
        byte = file.read(1)[0]
        file.seek(-1, 1)
        file.write(bytes([byte ^ 1]))
    hexadecimal: str = object_id
    return "-".join(hexadecimal[a:b] for a, b in ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32)))
