"""The peer's viewer: OHIF as npm has it, given from memory by a small server; it reads from the peer itself.

OHIF asks for nothing outside the machine in this configuration. Orthanc speaks no CORS, and what would speak it in its
place would slow it down: the browser is told by ``FLAGS`` to do without.
"""

import json
import mimetypes
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit

from tests.e2e.running import ROOT

PACKAGE: Final = "@ohif/app"
VERSION: Final = "3.13.2"
HOME: Final = ROOT / "build" / "ohif"
WEB: Final = "/dicom-web"
FLAGS: Final = ("--disable-web-security",)


def configuration(peer: str) -> str:
    """The script that tells OHIF to read from the peer, to fetch ahead, and to ask nobody anything."""
    place = {f"{kind}Root": f"{peer}{WEB}" for kind in ("qido", "wado", "wadoUri")}
    source = {
        "namespace": "@ohif/extension-default.dataSourcesModule.dicomweb",
        "sourceName": "orthanc",
        "configuration": {
            "friendlyName": "Orthanc",
            "name": "orthanc",
            **place,
            "qidoSupportsIncludeField": False,
            "imageRendering": "wadors",
            "thumbnailRendering": "wadors",
            "enableStudyLazyLoad": True,
            "supportsFuzzyMatching": False,
            "supportsWildcard": True,
            "omitQuotationForMultipartRequest": True,
        },
    }
    settings = {
        "routerBasename": None,
        "extensions": [],
        "modes": [],
        "customizationService": {},
        "showStudyList": True,
        "maxNumberOfWebWorkers": 3,
        "showWarningMessageForCrossOrigin": False,
        "showCPUFallbackMessage": False,
        "showLoadingIndicator": True,
        "strictZSpacingForVolumeViewport": True,
        "investigationalUseDialog": {"option": "never"},
        "maxNumRequests": {"interaction": 100, "thumbnail": 5, "prefetch": 25},
        # What the bench counts is every frame of the series: OHIF fetches them ahead where it is told to.
        "studyPrefetcher": {
            "enabled": True,
            "displaySetsCount": 1,
            "maxNumPrefetchRequests": 10,
            "order": "closest",
        },
        "defaultDataSourceName": "orthanc",
        "dataSources": [source],
    }
    return f"window.config = {json.dumps(settings)};"


def installed() -> Path:
    """OHIF's pages, fetched by npm where they are not there yet. Raises CalledProcessError, FileNotFoundError."""
    pages = HOME / VERSION / "package" / "dist"
    if not (pages / "index.html").exists():
        folder = HOME / VERSION
        folder.mkdir(parents=True, exist_ok=True)
        npm = shutil.which("npm")
        if npm is None:
            raise FileNotFoundError(f"install npm (Debian: npm) to measure beside {PACKAGE}")
        subprocess.run([npm, "pack", "--silent", f"{PACKAGE}@{VERSION}"], cwd=folder, check=True, capture_output=True)
        (archive,) = folder.glob("*.tgz")
        # Leaves nothing outside of the folder; the library's own filter for that came with Python 3.11.4.
        subprocess.run(["tar", "-xzf", archive.name], cwd=folder, check=True)
        archive.unlink()
    return pages


class _Handler(BaseHTTPRequestHandler):
    """Files of OHIF; an address that is none is a page of it."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16
    pages: ClassVar[Path]
    peer: ClassVar[str]

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        file = (self.pages / path.lstrip("/")).resolve()
        if path == "/app-config.js":
            return self._answer(configuration(self.peer).encode(), "text/javascript")
        if not file.is_relative_to(self.pages.resolve()) or not file.is_file():
            file = self.pages / "index.html"
        return self._answer(_content(file), mimetypes.guess_type(file.name)[0] or "application/octet-stream")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        for name, value in (("Content-Type", kind), ("Content-Length", str(len(body)))):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Nothing is written while it is measured."""


@cache
def _content(file: Path) -> bytes:
    return file.read_bytes()


@contextmanager
def serving(peer: str) -> Iterator[str]:
    """The address of an OHIF that reads from the peer at this address; it ends with the block."""
    _Handler.pages, _Handler.peer = installed(), peer
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
