"""The contracts about who may import whom: kept by the code, and each of them broken by a planted import."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from tests.pacs.serving import ROOT

ROOMS = ("vault", "keystore", "audit", "accounts", "archive", "pacs")

PLANTED = {
    "vault/wrap.py": "import django",
    "keystore/keys.py": "import accounts.gate\nimport pynetdicom",
    "audit/log.py": "import pydicom\nimport reportlab\nfrom archive import ingest",
    "audit/messages/mapping.py": "from audit import tables",
    "accounts/factors/totp.py": "import fido2",
    "accounts/gate.py": "from audit import models\nfrom keystore import models as rows\nfrom accounts import views",
    "archive/query/rows.py": "import boto3\nimport cryptography\nfrom archive import browser",
    "archive/browser/studies.py": "from archive import models\nfrom archive.dicomweb import problems",
}
"""One file for each way to break a contract; together they break every one."""


def verdicts(folder: Path) -> dict[str, str]:
    """Run the linter in a folder; return KEPT or BROKEN by the name of each contract."""
    lint = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    environ = {**os.environ, "COLUMNS": "300", "PYTHONPATH": str(folder)}
    ended = subprocess.run(lint, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=90)
    found = dict(re.findall(r"^(.+?) (KEPT|BROKEN)", ended.stdout, re.M))
    assert found, ended.stdout + ended.stderr
    return found


def contracts() -> set[str]:
    kept = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    return {contract["name"] for contract in kept}


def test_the_code_keeps_every_contract() -> None:
    found = verdicts(ROOT)
    assert set(found) == contracts()
    assert [name for name, verdict in found.items() if verdict != "KEPT"] == []


def test_planted_imports_break_every_contract(tmp_path: Path) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name, lines in PLANTED.items():
        file = tmp_path / name
        file.write_text(f"{lines}\n{file.read_text()}")
    assert {name for name, verdict in verdicts(tmp_path).items() if verdict == "BROKEN"} == contracts()
