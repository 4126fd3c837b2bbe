"""Reading images in the browser: every slice, the values under the cursor, lengths, and which side is which."""

from collections.abc import Sequence
from pathlib import Path
from secrets import randbelow
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect
from pydicom import Dataset, dcmread
from pydicom.pixels.processing import apply_modality_lut

from tests import builders
from tests.e2e.chromium import Clinic, Viewer, open_study
from tests.e2e.traffic import stow, stow_files

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]

CT = "neurolabusc__dcm_qa_ct/In/Philips/S21610/S2010/I*"
MR = "neurolabusc__dcm_qa_nih/In/20180918Si/mr_0004/*.dcm"
MULTI_FRAME = "pypi-pydicom-data/data_store/data/emri_small_jpeg_2k_lossless.dcm"
# The direction cosines of each plane, and what stands at the top, bottom, left and right (PS3.3 §C.7.6.2.1.1).
PLANES = {
    "axial": ([1, 0, 0, 0, 1, 0], ("A", "P", "R", "L")),
    "sagittal": ([0, 1, 0, 0, 0, -1], ("H", "F", "A", "P")),
    "coronal": ([1, 0, 0, 0, 0, -1], ("H", "F", "R", "L")),
    "prone axial, feet first": ([-1, 0, 0, 0, -1, 0], ("P", "A", "L", "R")),
}


def sent(clinic: Clinic, files: Sequence[Path]) -> list[Dataset]:
    """Send files as they are; return what pydicom reads in them."""
    assert files
    answer = stow_files(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, map(Path.read_bytes, files))
    assert answer.status_code == 200, answer.text
    return [dcmread(file) for file in files]


def sent_study(clinic: Clinic, **attributes: Any) -> str:
    """Send one synthetic series of two images; return its study's UID."""
    study = builders.study(2, **attributes)
    for keyword in [name for name, value in attributes.items() if value is None]:
        for ds in study:
            delattr(ds, keyword)
    assert stow(clinic.archive.session(clinic.logins["tom"].token), clinic.archive, study).status_code == 200
    return str(study[0].StudyInstanceUID)


def modality_values(ds: Dataset) -> np.ndarray:
    """What the pixels stand for, frame by frame."""
    values = np.asarray(apply_modality_lut(ds.pixel_array, ds))
    return values if "NumberOfFrames" in ds else values[np.newaxis]


def check_values(viewer: Viewer, values: np.ndarray, count: int = 3) -> None:
    """Compare the value under the cursor with pydicom's at so many random positions of the image that is shown."""
    for _ in range(count):
        row, column = (randbelow(side) for side in values.shape)
        assert viewer.value(column, row) == [values[row, column]], (column, row)


def test_a_person_signs_in_finds_the_study_and_scrolls_through_every_slice(clinic: Clinic, sample_data: Path) -> None:
    slices = {str(ds.SOPInstanceUID): modality_values(ds)[0] for ds in sent(clinic, sorted(sample_data.glob(CT)))}
    assert len(slices) == 54
    page = clinic.stranger()
    clinic.enter(page, "rosa")
    name = str(dcmread(next(sample_data.glob(CT))).PatientName).split("^")[0]
    page.get_by_role("row").filter(has_text=name).filter(has_text="CT").get_by_role("link").first.click()

    viewer = Viewer(page)
    seen = [viewer.shows(0)]
    viewer.value(100, 100)
    for index in range(1, len(slices)):
        page.mouse.wheel(0, 100)
        seen.append(viewer.shows(index))
        # The pointer rests, so the value under it is that of the new slice at the same place.
        probe = page.locator(f"{viewer.pane} [data-probe]")
        assert float(probe.get_attribute("data-value") or "nan") == slices[seen[-1]][100, 100]

    assert set(seen) == set(slices)
    heights = {str(ds.SOPInstanceUID): ds.ImagePositionPatient[2] for ds in map(dcmread, sample_data.glob(CT))}
    assert [heights[uid] for uid in seen] in (sorted(heights.values()), sorted(heights.values(), reverse=True))
    page.mouse.wheel(0, 100)
    assert viewer.attribute("index") == "53"
    for index in (randbelow(18), 18 + randbelow(18), 36 + randbelow(18)):
        page.keyboard.press("Home")
        for _ in range(index):
            page.keyboard.press("ArrowDown")
        check_values(viewer, slices[viewer.shows(index)])


def test_values_of_an_mr_image_are_pydicoms(clinic: Clinic, sample_data: Path) -> None:
    series = sent(clinic, sorted(sample_data.glob(MR)))
    images = {str(ds.SOPInstanceUID): modality_values(ds) for ds in series}
    viewer = open_study(clinic.page("rosa"), clinic.archive, str(series[0].StudyInstanceUID))

    for index in range(len(images)):
        check_values(viewer, images[viewer.shows(index)][0])
        viewer.page.keyboard.press("ArrowDown")


def test_values_of_a_compressed_multi_frame_are_pydicoms(clinic: Clinic, sample_data: Path) -> None:
    [ds] = sent(clinic, [sample_data / MULTI_FRAME])
    values = modality_values(ds)
    viewer = open_study(clinic.page("rosa"), clinic.archive, str(ds.StudyInstanceUID))
    expect(viewer.page.locator(viewer.pane)).to_have_attribute("data-count", str(len(values)))

    for index in range(len(values)):
        viewer.shows(index)
        check_values(viewer, values[int(viewer.attribute("frame")) - 1])
        viewer.page.keyboard.press("ArrowDown")


@pytest.mark.parametrize("renderer", ["cpu", "webgl"])
def test_a_line_over_unequal_spacing_measures_right(clinic: Clinic, renderer: str) -> None:
    uid = sent_study(clinic, side=200, PixelSpacing=[0.5, 0.8])
    viewer = open_study(clinic.page("rosa"), clinic.archive, uid, f"?renderer={renderer}")

    assert drawn(viewer, (20, 100), (180, 100), " mm") == pytest.approx(160 * 0.8, rel=0.005)
    assert drawn(viewer, (100, 10), (100, 190), " mm") == pytest.approx(180 * 0.5, rel=0.005)
    assert drawn(viewer, (30, 20), (170, 180), " mm") == pytest.approx(np.hypot(140 * 0.8, 160 * 0.5), rel=0.005)


def test_without_spacing_a_length_is_in_pixels(clinic: Clinic) -> None:
    viewer = open_study(clinic.page("rosa"), clinic.archive, sent_study(clinic, side=200, PixelSpacing=None))

    expect(viewer.page.locator('[data-overlay="measure"]')).to_have_text("No pixel spacing")
    assert drawn(viewer, (30, 20), (170, 180), " px") == pytest.approx(np.hypot(140, 160), rel=0.005)


@pytest.mark.parametrize(("cosines", "letters"), PLANES.values(), ids=PLANES)
def test_the_four_sides_are_named_as_the_patient_lies(
    clinic: Clinic, cosines: list[int], letters: tuple[str, ...]
) -> None:
    uid = sent_study(clinic, ImageOrientationPatient=cosines)

    viewer = open_study(clinic.page("rosa"), clinic.archive, uid)

    assert viewer.marks() == dict(zip(("top", "bottom", "left", "right"), letters, strict=True))


def drawn(viewer: Viewer, begin: tuple[int, int], end: tuple[int, int], unit: str) -> float:
    """Draw a line from the middle of one pixel to that of another, as the probe names them; read its label."""
    mouse, label = viewer.page.mouse, viewer.page.locator(f"{viewer.pane} svg.lengths text")
    viewer.page.get_by_role("button", name="Length", exact=True).click()
    for column, row in (end, begin):
        assert len(viewer.value(column, row)) == 1
    mouse.down()
    mouse.move(*viewer.place((begin[0] + end[0]) / 2, (begin[1] + end[1]) / 2), steps=3)
    mouse.move(*viewer.place(end[0] + 0.5, end[1] + 0.5), steps=3)
    mouse.up()
    expect(label).to_have_count(1)
    words = label.text_content() or ""
    assert words.endswith(unit), words
    viewer.page.keyboard.press("Delete")
    expect(label).to_have_count(0)
    return float(words.removesuffix(unit))
