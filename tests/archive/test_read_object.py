"""The second reader, run alone under `python -I`, opens what the archive stored, and nothing that was changed."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pydicom.dataset import Dataset

from archive import ingest, packs
from archive.models import Instance
from keystore import roots
from tests import builders
from tests.conftest import Installation
from tools.read_object import KEYS_QUERY

TOOL = Path(__file__).resolve().parents[2] / "tools" / "read_object.py"


@pytest.fixture
def study(modality: Any, actor_of: Callable[[Any], Any]) -> list[Dataset]:
    sent = builders.study(3)
    for ds in sent:
        ingest.store(actor_of(modality), builders.part10(ds))
    packs.forget()
    return sent


def run(place: Installation, *more: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(TOOL), "--root", str(place.root / "root.key"), *more]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def table(place: Installation, folder: Path) -> Path:
    """The key table as an operator has it: the SQLite file, or the lines that psql prints."""
    if connection.vendor == "sqlite":
        return Path(place.database_url.removeprefix("sqlite:"))
    with connection.cursor() as cursor:
        cursor.execute(KEYS_QUERY.format(hex="encode", form=", 'hex'"))
        rows = cursor.fetchall()
    (folder / "keys.txt").write_text("".join(" ".join(map(str, row)) + "\n" for row in rows))
    return folder / "keys.txt"


@pytest.mark.both_databases
@pytest.mark.parametrize("later", [(), ("end-epoch", "1"), ("rotate", "--to", "file:{root}")])
def test_it_opens_every_stored_object_to_the_byte(
    installation: Installation, study: list[Dataset], tmp_path: Path, later: tuple[str, ...]
) -> None:
    """As it was stored, after the epoch of its keys has ended, and under another root."""
    if "rotate" in later:
        roots.create_file(installation.root / "new.key")
    if later:
        call_command("keys", *(word.format(root=installation.root / "new.key") for word in later))
    if "rotate" in later:
        (installation.root / "new.key").replace(installation.root / "root.key")
    files = sorted(map(str, installation.data.rglob("*.pack")))
    done = run(installation, "--keys", str(table(installation, tmp_path)), "--write", str(tmp_path), *files)
    assert done.returncode == 0, done.stdout + done.stderr
    for ds in study:
        sent = builders.part10(ds)
        assert f"{ds.SOPInstanceUID} {len(sent)} {hashlib.sha256(sent).hexdigest()}\n" in done.stdout
        assert (tmp_path / f"{ds.SOPInstanceUID}.dcm").read_bytes() == sent


def test_a_changed_object_does_not_open_and_the_others_do(
    installation: Installation, study: list[Dataset], tmp_path: Path
) -> None:
    row = Instance.objects.select_related("pack").get(uid=study[1].SOPInstanceUID)
    (pack,) = installation.data.rglob(f"{row.pack.name}.pack")
    with pack.open("r+b") as file:
        file.seek(row.offset + 200)
        byte = file.read(1)
        file.seek(row.offset + 200)
        file.write(bytes([byte[0] ^ 1]))
    done = run(installation, "--keys", str(table(installation, tmp_path)), str(pack))
    assert done.returncode == 1
    assert "record 1 does not open: chunk 0" in done.stdout
    assert study[0].SOPInstanceUID in done.stdout
    assert study[2].SOPInstanceUID in done.stdout
    assert study[1].SOPInstanceUID not in done.stdout


def test_another_root_key_opens_nothing(installation: Installation, study: list[Dataset], tmp_path: Path) -> None:
    from base64 import b64encode

    (installation.root / "root.key").write_text(f"custos-root-1 {b64encode(os.urandom(32)).decode()}\n")
    files = sorted(map(str, installation.data.rglob("*.pack")))
    done = run(installation, "--keys", str(table(installation, tmp_path)), *files)
    assert done.returncode == 1
    assert "is not in the table" in done.stdout
    assert not any(ds.SOPInstanceUID in done.stdout for ds in study)


def test_it_imports_nothing_of_the_project() -> None:
    ours = ("vault", "keystore", "audit", "accounts", "archive", "pacs", "django")
    lines = TOOL.read_text().splitlines()
    assert not [line for line in lines if line.startswith(("import ", "from ")) and line.split()[1].startswith(ours)]
