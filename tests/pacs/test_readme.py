"""The front pages tell the truth: every command, target, file and setting they name exists."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from django.core.management import get_commands, load_command_class

from pacs.names import NAMES, SETTINGS
from tests.pacs.serving import ROOT

README = (ROOT / "README.md").read_text()
OPERATIONS = (ROOT / "docs" / "OPERATIONS.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("page", ["README.md", "docs/OPERATIONS.md", "docs/DEPENDENCIES.md"])
def test_every_make_target_a_page_names_exists(page: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.M))
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", (ROOT / page).read_text(), re.M))
    assert named <= targets


@pytest.mark.parametrize("text", [README, OPERATIONS])
def test_every_shell_command_a_page_shows_is_understood(text: str) -> None:
    shown = re.findall(r"manage\.py ((?:[\w./-]+[ ]?)+)", text)
    assert shown
    for line in shown:
        name, *rest = line.split()
        command = load_command_class(get_commands()[name], name)
        if rest and all(re.fullmatch(r"[\w./-]+", word) for word in rest):
            command.create_parser("manage.py", name).parse_args(rest)


def test_every_page_that_is_linked_exists_and_the_front_page_is_short() -> None:
    linked = re.findall(r"\]\(([^)#:]+)\)", README)
    assert linked
    assert [target for target in linked if not (ROOT / target).exists()] == []
    assert README.count("\n") <= 120


def test_the_two_commands_are_in_the_readme() -> None:
    assert re.search(r"^make run$", README, re.M)
    assert re.search(r"^make test$", README, re.M)


@pytest.mark.parametrize("chosen", ["", "/somewhere/else/python3"])
def test_the_distributions_python_goes_first_unless_another_is_named(chosen: str) -> None:
    environ = {name: value for name, value in os.environ.items() if name not in ("PYTHON", "MAKEFLAGS", "MAKELEVEL")}
    words = ["make", "--eval", "told:; @echo $(PYTHON)", "told", *([f"PYTHON={chosen}"] if chosen else [])]
    told = subprocess.run(words, cwd=ROOT, env=environ, capture_output=True, text=True, check=True).stdout.strip()
    able = "import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))"
    if chosen:
        assert told == chosen
    elif subprocess.run(["/usr/bin/python3.11", "-c", able], capture_output=True, check=False).returncode == 0:
        assert told == "/usr/bin/python3.11"
    else:
        subprocess.run([told, "-c", able], check=True)


def test_every_setting_has_its_line_in_operations_with_its_default() -> None:
    for name, (default, _) in SETTINGS.items():
        if not name.startswith("PACS_TEST_"):
            assert re.search(rf"^\| `{name}` \| {re.escape(default or '—')} \|", OPERATIONS, re.M), name
    named = {name.removesuffix("_FILE") for name in re.findall(r"PACS_[A-Z0-9_]+[A-Z]", OPERATIONS)}
    assert named <= NAMES


def test_every_pinned_package_has_its_reason() -> None:
    reasons = (ROOT / "docs" / "DEPENDENCIES.md").read_text().lower()
    for listed in sorted(ROOT.glob("requirements*.in")):
        for line in listed.read_text().splitlines():
            name = re.split(r"[~=<>]", line)[0].strip().lower()
            if name and not name.startswith(("#", "-")):
                assert f"| {name} |" in reasons, name


def test_everything_pinned_carries_its_hash_and_no_address() -> None:
    for path in sorted(ROOT.glob("requirements*.txt")):
        text = path.read_text()
        assert "://" not in text
        assert "index-url" not in text
        pins = re.findall(r"^([a-z][\w.-]*)==[^\s\\]+ \\\n +--hash=sha256:[0-9a-f]{64}", text, re.M)
        assert len(pins) == len(re.findall(r"^[a-z][\w.-]*==", text, re.M)) > 0


def test_the_licence_is_the_standard_text() -> None:
    import hashlib

    assert 'license = "Apache-2.0"' in (ROOT / "pyproject.toml").read_text()
    digest = hashlib.sha256(Path(ROOT / "LICENSE").read_bytes()).hexdigest()
    assert digest == "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30"
