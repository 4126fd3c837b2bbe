"""Every call of the program that may write to the record, found in its sources, and the program with one disabled."""

import ast
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from django.conf import settings

from audit import log

ROOMS = ("accounts", "archive", "audit", "keystore", "pacs")
WRITES = {
    "audit.log": {"append", "begin", "commit", "receipt", "refused"},
    "audit.leases": {"view"},
    "accounts.gate": {
        "change",
        "disclose",
        "disclose_phrases",
        "found_patients",
        "listed",
        "missed",
        "permit",
        "search",
        "seek_patients",
        "still",
        "view",
    },
}
# The log's own functions are the writer: what stands within them is reached by whoever calls them.
WRITER = "audit/log.py"


@dataclass(frozen=True, order=True)
class Site:
    """One call: its file below the project, the function it stands in, and its lines."""

    path: str
    function: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.path}:{self.function}"


def sites() -> list[Site]:
    return sorted({site for path, name in sources() for site in _of(path, name)})


def sources() -> Iterator[tuple[Path, str]]:
    """Every source of the program, with its name below the project."""
    root = Path(settings.BASE_DIR)
    for path in sorted(path for room in ROOMS for path in (root / room).rglob("*.py")):
        if "migrations" not in path.parts:
            yield path, str(path.relative_to(root))


def named(known: list[Site]) -> dict[Site, str]:
    """Each call's file and function, numbered where several stand in one function."""
    before = [Counter(map(str, known[:at]))[str(site)] for at, site in enumerate(known)]
    return {site: f"{site}-{number}" if number else str(site) for site, number in zip(known, before, strict=True)}


def _of(path: Path, name: str) -> Iterator[Site]:
    if name != WRITER:
        yield from calls(path.read_text(encoding="utf-8"), name)


def calls(source: str, name: str) -> Iterator[Site]:
    """The calls in one source that may write, however the module names what it calls."""
    tree = ast.parse(source)
    modules, functions = _imported(tree)
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _writes(node.func, modules, functions):
                yield Site(name, function.name, node.lineno, node.end_lineno or node.lineno)


def _imported(tree: ast.Module) -> tuple[dict[str, str], set[str]]:
    """The names under which a source knows the modules that write, and those of their functions that it took alone."""
    modules, functions = dict[str, str](), set[str]()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules |= {one.asname or one.name: one.name for one in node.names if one.name in WRITES}
        elif isinstance(node, ast.ImportFrom):
            for one in node.names:
                if (whole := f"{node.module}.{one.name}") in WRITES:
                    modules[one.asname or one.name] = whole
                elif one.name in WRITES.get(node.module or "", ()):
                    functions.add(one.asname or one.name)
    return modules, functions


def _writes(called: ast.expr, modules: dict[str, str], functions: set[str]) -> bool:
    if isinstance(called, ast.Name):
        return called.id in functions
    return isinstance(called, ast.Attribute) and called.attr in WRITES.get(
        modules.get(ast.unparse(called.value), ""), ()
    )


@contextmanager
def watched(known: list[Site], written: set[Site], patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Gather by which of the calls something is written."""
    unplaced = log.unplaced
    by_file: dict[str, list[Site]] = {}
    for site in known:
        by_file.setdefault(_file(site), []).append(site)

    def watching(events: Any) -> Any:
        for file, line in _stack():
            written.update(site for site in by_file.get(file, ()) if site.first <= line <= site.last)
        return unplaced(events)

    with patch.context() as patched:
        patched.setattr(log, "unplaced", watching)
        yield


@contextmanager
def disabled(site: Site, patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let this one call write nothing, while everything around it goes on as if it had."""
    unplaced, its_file = log.unplaced, _file(site)

    def forgetting(events: Any) -> Any:
        below = any(file == its_file and site.first <= line <= site.last for file, line in _stack())
        return () if below else unplaced(events)

    with patch.context() as patched:
        patched.setattr(log, "unplaced", forgetting)
        yield


def _file(site: Site) -> str:
    return str(Path(settings.BASE_DIR) / site.path)


def _stack() -> Iterator[tuple[str, int]]:
    """File and line of each call under way, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        yield frame.f_code.co_filename, frame.f_lineno
        frame = frame.f_back
