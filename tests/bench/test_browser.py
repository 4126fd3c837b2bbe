"""What the browser's work believes: an image is there when its pixels are, and all are when all were sent."""

import http.client
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser

from bench import ohif
from bench.works import browser as work
from tests.e2e.chromium import launched

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(120)]

PAGE = """<canvas width=300 height=300></canvas><script>
const draw = (colour) => {{
  const pen = document.querySelector("canvas").getContext("2d");
  for (let x = 0; x < 300; x += 1) {{ pen.fillStyle = colour(x); pen.fillRect(x, 0, 1, 300); }}
}};
draw(() => "black");
const ask = async (count) => {{ for (let at = 0; at < count; at += 1) await fetch("/frames/" + at); }};
{script}
</script>"""
DRAWN = "draw((x) => `rgb(${x % 256} 0 0)`);"
ALL = "() => true"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with launched() as started:
        yield started


class Pages(BaseHTTPRequestHandler):
    """One page, and frames that are always there."""

    page = b""

    def do_GET(self) -> None:
        body = b"-" if self.path.startswith("/frames/") else self.page
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    server.server_close()


def opened(chromium: Browser, site: str, script: str, all_there: str = ALL) -> work.Reader:
    Pages.page = PAGE.format(script=script).encode()
    return work.Reader(chromium, site, all_there, 3)


def test_the_first_image_is_when_pixels_differ_and_not_when_the_canvas_is_there(chromium: Browser, site: str) -> None:
    reader = opened(chromium, site, f"ask(3).then(() => setTimeout(() => {{ {DRAWN} }}, 700));")
    assert reader.seconds("first") >= 0.7
    assert reader.opened == 1


def test_a_viewer_that_stays_blank_is_no_figure(chromium: Browser, site: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PATIENCE", 2.0)
    with pytest.raises(RuntimeError, match="showed"):
        opened(chromium, site, "ask(3);").seconds("first")


def test_a_viewer_that_says_all_without_having_fetched_them_is_no_figure(chromium: Browser, site: str) -> None:
    reader = opened(chromium, site, f"ask(2).then(() => {{ {DRAWN} }});")
    with pytest.raises(RuntimeError, match="2 of 3 slices"):
        reader.seconds("all")
    assert reader.opened == 0


def test_all_is_when_the_viewer_holds_them(chromium: Browser, site: str) -> None:
    reader = opened(chromium, site, f"{DRAWN} ask(3).then(() => setTimeout(() => {{ window.held = 3; }}, 500));", HELD)
    assert reader.seconds("all") >= 0.5


HELD = "(count) => window.held === count"


def test_the_server_of_the_peers_viewer_gives_its_pages_and_no_other_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pages").mkdir()
    (tmp_path / "pages" / "index.html").write_text("a page")
    (tmp_path / "pages" / "script.js").write_text("a script")
    (tmp_path / "secret").write_text("a secret")
    monkeypatch.setattr(ohif, "installed", lambda: tmp_path / "pages")
    with ohif.serving("http://peer") as url:
        wire = http.client.HTTPConnection(url.removeprefix("http://"), timeout=5)
        asked = ("/viewer?StudyInstanceUIDs=1", "/script.js", "/../secret", "/app-config.js")
        answers = []
        for path in asked:
            wire.request("GET", path)
            answers.append(wire.getresponse().read().decode())
        wire.close()
    assert answers[:3] == ["a page", "a script", "a page"]
    assert '"http://peer/dicom-web"' in answers[3]
