"""Every call of the program that seals something, found in its sources, and the program with one of them disabled."""

import ast
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import pytest
from cryptography.cobblestone import Cobblestone256Encryptor
from django.conf import settings

from vault import objects, recipients, streams

ROOMS = ("accounts", "archive", "audit", "keystore", "pacs")
SEALS = frozenset(
    {
        "seal",
        "seal_cell",
        "seal_one_cell",
        "seal_field",
        "seal_into",
        "wrap",
        "wrap_under_epoch",
        "Sealer",
    }
)
SALT_AND_COMMITMENT = 56


@dataclass(frozen=True)
class Site:
    """One call that seals: its file below the project, the function it stands in, and its lines."""

    path: str
    function: str
    first: int
    last: int

    def __str__(self) -> str:
        return f"{self.path}:{self.function}"


def sites() -> list[Site]:
    root = Path(settings.BASE_DIR)
    paths = sorted(path for room in ROOMS for path in (root / room).rglob("*.py") if "migrations" not in path.parts)
    return [site for path in paths for site in _of(path, str(path.relative_to(root)))]


def _of(path: Path, name: str) -> Iterator[Site]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        for node in ast.walk(function):
            if isinstance(node, ast.Call) and _called(node) in SEALS:
                yield Site(name, function.name, node.lineno, node.end_lineno or node.lineno)


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""


@contextmanager
def disabled(site: Site, patch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """Let what this one call seals stay as it is, in its length; yields how much went by, call by call."""
    file, passed = str(Path(settings.BASE_DIR) / site.path), list[int]()

    class Leaking:
        """Stands where the cipher stands; seals for everybody but the one call."""

        def __init__(self, secret: bytes, context: bytes) -> None:
            self._true = None if _below(file, site) else Cobblestone256Encryptor(secret, context)
            self._chunks, self._begun = 0, False

        def update(self, data: Any) -> bytes:
            if self._true is not None:
                return self._true.update(data)
            passed.append(len(data))
            start, self._begun = b"" if self._begun else bytes(SALT_AND_COMMITMENT), True
            self._chunks += len(data)
            return start + bytes(data)

        def update_into(self, data: Any, out: memoryview) -> int:
            if self._true is not None:
                return self._true.update_into(data, out)
            plain = self.update(data)
            out[: len(plain)] = plain
            return len(plain)

        def finalize(self) -> bytes:
            if self._true is not None:
                return self._true.finalize()
            return bytes(16 * max(1, -(-self._chunks // objects.CHUNK)))

    with patch.context() as patched:
        patched.setattr(recipients, "seal_to", _leaking_to(file, site, passed))
        for module in (objects, streams):
            patched.setattr(module, "Cobblestone256Encryptor", Leaking)
        yield passed


def _leaking_to(file: str, site: Site, passed: list[int]) -> Callable[[bytes, bytes, bytes], bytes]:
    sealed_to = recipients.seal_to

    def leaking(public: bytes, info: bytes, plaintext: bytes) -> bytes:
        if not _below(file, site):
            return sealed_to(public, info, plaintext)
        passed.append(len(plaintext))
        return bytes(recipients.OVERHEAD) + plaintext

    return leaking


def _below(file: str, site: Site) -> bool:
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename == file and site.first <= frame.f_lineno <= site.last:
            return True
        frame = frame.f_back
    return False
