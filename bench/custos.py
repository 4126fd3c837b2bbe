"""Our side: the whole program as an operator starts it, on fresh storage, with everything on."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from tests.e2e.running import ROOT, Archive
from tests.e2e.running import running as started

TITLE: Final = "CUSTOS"
SENDER: Final = "CT_ONE"
READER: Final = "rosa"
STORER: Final = "tom"


@dataclass
class Custos:
    """A running archive, a device that may send to it, and the session of a person who reads what it sends."""

    archive: Archive
    cookie: str
    token: str
    storing: str = ""
    """The token of a person who may store."""

    @property
    def pid(self) -> int:
        assert self.archive.process is not None
        return self.archive.process.pid

    @property
    def url(self) -> str:
        return self.archive.url

    @property
    def headers(self) -> dict[str, str]:
        """What a browser of the person sends: the session, with both factors given."""
        return {"Cookie": self.cookie}

    def looked(self, *about: str) -> dict[str, Any]:
        """What its rows and packs say; see ``bench.looking``."""
        told: dict[str, Any] = json.loads(self.program("bench.looking", *about))
        return told

    def program(self, module: str, *words: str, seconds: float = 900) -> str:
        """What a program of ours prints that runs on this installation, within so many seconds."""
        done = subprocess.run(
            [sys.executable, "-m", module, *words],
            cwd=ROOT,
            env={**self.archive.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"},
            stdout=subprocess.PIPE,
            check=True,
            timeout=seconds,
        )
        return done.stdout.decode()


@contextmanager
def running(*, planted: int = 0, kept: Path | None = None, **extra: str) -> Iterator[Custos]:
    """Set up and start one, and end it; ``extra`` are settings. Nothing of it is left afterwards.

    With ``planted``, so many invented studies are in its index (``bench.planted_archive``). One that is ``kept`` in a
    folder stays there, and is taken as it is where it is there already.
    """
    root = kept or Path(tempfile.mkdtemp(prefix="custos-bench-"))
    archive = Archive(root, extra)
    try:
        ours = Custos(archive, "", "")
        logins = _settled(ours, planted)
        ours.token, ours.storing = logins[READER]["token"], logins[STORER]["token"]
        name, value = ours.program("tests.e2e.signing_in", READER).split()
        ours.cookie = f"{name}={value}"
        with started(archive):
            yield ours
    finally:
        if kept is None:
            shutil.rmtree(root, ignore_errors=True)


def _settled(ours: Custos, planted: int) -> dict[str, dict[str, str]]:
    """The logins of an installation, made where there is none; one that is there is brought to the tables of now."""
    remembered = ours.archive.root / "logins.json"
    if remembered.exists():
        ours.archive.manage("migrate")
    else:
        (ours.archive.root / "tmp").mkdir(parents=True, exist_ok=True)
        ours.archive.manage("setup")
        told = ours.program("tests.e2e.populating")
        if planted:
            ours.program("bench.planted_archive", str(planted), seconds=7200)
        remembered.write_text(told, encoding="utf-8")
    logins: dict[str, dict[str, str]] = json.loads(remembered.read_text(encoding="utf-8"))
    return logins
