"""The peer: Debian's Orthanc with its DICOMweb plug-in, on fresh storage and loopback, without keys or record."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from bench.runner import Scale
from bench.sending import send
from tests.e2e.running import free_port, wait_for

TITLE: Final = "ORTHANC"
PLUGIN: Final = "/usr/share/orthanc/plugins/libOrthancDicomWeb.so"
BEST: Final = {"TCP_NODELAY": "1"}
"""The environment in which DCMTK, and Orthanc with it, does not wait for acknowledgements."""


@dataclass
class Orthanc:
    """A running Orthanc; without a process, the place of one that was left away."""

    folder: Path
    web_port: int
    dicom_port: int
    process: "subprocess.Popen[bytes] | None"

    @property
    def pid(self) -> int:
        """Of its process; 0 where there is none."""
        return self.process.pid if self.process is not None else 0

    @property
    def url(self) -> str:
        """Its REST interface; DICOMweb is below ``/dicom-web``."""
        return f"http://127.0.0.1:{self.web_port}"

    def instances(self) -> int:
        """How many instances it keeps."""
        told: dict[str, Any] = requests.get(f"{self.url}/statistics", timeout=30).json()
        return int(told["CountInstances"])

    def keep(self, files: Sequence[Path], run: int) -> None:
        """Send it files under the UIDs of a run; nothing where it was left away."""
        if self.process is not None:
            send(self.dicom_port, TITLE, "CT_ONE", files, run=run)


@contextmanager
def beside(scale: Scale, *, kept: Path | None = None, **more: Any) -> Iterator[Orthanc]:
    """The peer, running; at a scale of ours alone only its place."""
    if scale.alone:
        yield Orthanc(Path(), 0, 0, None)
        return
    with running(kept=kept, **more) as peer:
        yield peer


@contextmanager
def running(*, kept: Path | None = None, **more: Any) -> Iterator[Orthanc]:
    """Start one at its best, and end it; ``more`` changes its settings. With ``default=True``, at its defaults.

    One that is ``kept`` in a folder stays there with what it stores.
    """
    environ = dict(os.environ) | ({} if more.pop("default", False) else BEST)
    folder = kept or Path(tempfile.mkdtemp(prefix="custos-bench-orthanc-"))
    folder.mkdir(parents=True, exist_ok=True)
    web_port, dicom_port = free_port(), free_port()
    (folder / "orthanc.json").write_text(json.dumps(settings(folder, web_port, dicom_port) | more), encoding="utf-8")
    with (folder / "orthanc.log").open("ab") as log:
        process = subprocess.Popen(
            [shutil.which("Orthanc") or "Orthanc", str(folder / "orthanc.json")], stdout=log, stderr=log, env=environ
        )
    peer = Orthanc(folder, web_port, dicom_port, process)
    try:
        wait_for(lambda: _answers(peer), 30, f"Orthanc (see {folder / 'orthanc.log'})")
        yield peer
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)


def settings(folder: Path, web_port: int, dicom_port: int) -> dict[str, Any]:
    """Everything that differs from Orthanc's own defaults, and why it must."""
    return {
        "Name": TITLE,
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "index"),
        "Plugins": [PLUGIN],
        "DicomAet": TITLE,
        "DicomPort": dicom_port,
        "HttpPort": web_port,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": False,
        "DicomAlwaysAllowStore": True,
        # Every attribute, as ours gives them.
        "DicomWeb": {"Enable": True, "StudiesMetadata": "Full", "SeriesMetadata": "Full"},
    }


def _answers(peer: Orthanc) -> bool:
    assert peer.process is not None
    assert peer.process.poll() is None, (peer.folder / "orthanc.log").read_text(encoding="utf-8")[-2000:]
    try:
        return requests.get(f"{peer.url}/system", timeout=2).ok
    except requests.RequestException:
        return False
