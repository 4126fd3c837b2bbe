"""The demo fills its own installation and no other, and works without sample files."""

import os
import re
import subprocess
import sys
from io import BytesIO
from pathlib import Path

import pytest
from pydicom import dcmread

from pacs import demo_images
from tests.pacs.serving import ROOT


def manage(root: Path, *arguments: str, folder: str = "demo") -> subprocess.CompletedProcess[str]:
    """Run a command on the installation that lies in ``folder`` below ``root``."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("PACS_")}
    place = root / folder
    environ |= {
        "PACS_DATA_DIR": str(place / "data"),
        "PACS_KEK_URL": f"file:{place / 'root.key'}",
        "PACS_ANCHORS": f"file:{place / 'anchors'}",
        "PACS_TEST_DATA": str(root / "no-samples"),
    }
    command = [sys.executable, "manage.py", *arguments]
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False, timeout=90)


def test_the_demo_refuses_a_data_directory_that_is_none_of_its_own(tmp_path: Path) -> None:
    ended = manage(tmp_path, "demo", folder="clinic")
    assert ended.returncode == 1
    assert "PACS_DATA_DIR" in ended.stderr
    assert not (tmp_path / "clinic").exists()


def test_the_demo_refuses_an_installation_that_has_people_already(tmp_path: Path) -> None:
    manage(tmp_path, "setup", "--no-link")
    assert manage(tmp_path, "person", "add", "mary", "--role", "clinician").returncode == 0
    assert manage(tmp_path, "demo").returncode == 1


def test_without_sample_files_synthetic_studies_are_stored_and_the_same_people_are_told_again(tmp_path: Path) -> None:
    manage(tmp_path, "setup", "--no-link")
    first, again = manage(tmp_path, "demo"), manage(tmp_path, "demo")
    wanted = len(demo_images.STUDIES) * demo_images.SLICES
    assert f"{wanted} sample images stored, 0 refused" in first.stdout, first.stderr
    secrets = re.findall(r"otpauth://\S+", first.stdout)
    assert len(secrets) == 5
    assert re.findall(r"otpauth://\S+", again.stdout) == secrets
    assert "stored" not in again.stdout


@pytest.mark.parametrize("number", [0, 57, 119])
def test_a_synthetic_slice_is_a_readable_ct_image(number: int) -> None:
    part10 = list(demo_images.studies())[number]
    ds = dcmread(BytesIO(part10))
    assert ds.pixel_array.shape == (demo_images.SIDE, demo_images.SIDE)
    assert float(ds.RescaleIntercept) == -1024
    assert ds.PatientName.family_name in ("DOE", "MARTIN")
