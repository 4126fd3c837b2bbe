"""The browser: from the click to the first image, and to all slices of a CT series, beside OHIF on the peer.

Both are opened in the same Chromium, each time in a fresh context: nothing is in its cache. The clock is the page's
own, and begins where the browser begins to load the page of the study. The first image is there when the pixels in the
middle of the canvas differ, read from the canvas itself once a frame, on both sides by the same lines. All images are
there when the viewer holds every slice decoded: of OHIF this is read from cornerstone's cache, which it offers to the
page; of ours from its line of progress, which counts what its own such cache holds. The answers that Chromium saw
are counted afterwards, so that neither is taken at its word.

OHIF is told to fetch ahead (``studyPrefetcher``), which it does not do of itself; without that it would never hold all.
"""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic
from typing import Any, Final

from playwright.sync_api import Browser, BrowserContext, Page, Response

from bench import custos, objects, ohif, orthanc, promises
from bench.objects import of_run
from bench.runner import Scale, Work
from bench.sending import send
from bench.works.reading import KINDS_READY, QUIET_SECONDS, RUN
from tests.e2e.chromium import DESK, launched
from tests.e2e.running import wait_for

NAMES = ("browser: click to first image", "browser: click to all of 160 CT slices")
PROGRAMS = ("Orthanc", "npm", "chromium")
SLICES: Final = 160
FRAME: Final = 2 * objects.SIDE**2
PATIENCE: Final = 180.0
"""Seconds for one opening."""

WATCH: Final = """
(() => {
  const seen = (window.benchSeen = { first: 0, all: 0 });
  const painted = () => [...document.querySelectorAll("canvas")].some((canvas) => {
    if (canvas.width < 256 || canvas.height < 256) return false;
    const pixels = canvas.getContext("2d")?.getImageData(canvas.width / 2 - 16, canvas.height / 2 - 16, 32, 32).data;
    return pixels !== undefined && new Set(pixels.filter((_, at) => at % 4 === 0)).size > 8;
  });
  const look = () => {
    if (!seen.first && painted()) seen.first = performance.now();
    if (seen.first && !seen.all && (ALL_THERE)(COUNT)) seen.all = performance.now();
    if (!seen.all) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
})();
"""
OURS_ALL: Final = """(count) => {
  const [pane, line] = ["[data-pane]", "[role=progressbar]"].map((name) => document.querySelector(name));
  return pane?.dataset.count === String(count) && line?.hidden && line.getAttribute("aria-valuenow") === "100";
}"""
PEER_ALL: Final = """(count) => {
  const kept = window.cornerstone?.cache?._imageCache;
  return kept !== undefined && [...kept.values()].filter((one) => one.loaded).length >= count;
}"""


@dataclass
class Reader:
    """A person who opens the study at an address again and again, in a browser that has never been there."""

    browser: Browser
    address: str
    all_there: str
    slices: int
    cookies: list[Any] = field(default_factory=list)
    opened: int = 0

    def seconds(self, until: str) -> float:
        """Seconds from the click to ``first`` or ``all``. Raises RuntimeError where not every slice came."""
        with contextlib.closing(self.browser.new_context(viewport=DESK, locale="en-GB")) as context:
            context.add_cookies(self.cookies)
            context.add_init_script(WATCH.replace("ALL_THERE", self.all_there).replace("COUNT", str(self.slices)))
            return self._open(context, until)

    def _open(self, context: BrowserContext, until: str) -> float:
        page, came = context.new_page(), set[str]()

        def note(response: Response) -> None:
            if "/frames/" in response.url and response.status == 200:
                came.add(response.url)

        page.on("response", note)
        page.goto(self.address, wait_until="commit")
        seen = _watched(page)
        if len(came) < self.slices:
            raise RuntimeError(f"{len(came)} of {self.slices} slices came to {self.address}")
        self.opened += 1
        _leave(page)
        return seen[until] / 1000


def _watched(page: Page) -> dict[str, float]:
    """Milliseconds from the click to the first image and to all, once all are there. Raises RuntimeError."""
    end = monotonic() + PATIENCE
    while monotonic() < end:
        # A page whose policy forbids eval cannot be waited for by a function in it; it can be asked from outside.
        seen: dict[str, float] = page.evaluate("window.benchSeen") or {}
        if seen.get("all"):
            return seen
        page.wait_for_timeout(100)
    raise RuntimeError(f"{page.url} showed {seen} within {PATIENCE:g} s")


def _leave(page: Page) -> None:
    """Leave the page as a person does, so that what it has still to tell is told."""
    page.goto("about:blank")


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """Both works, on archives that hold one series that fell quiet; every view of ours is on record afterwards."""
    with ExitStack() as held:
        folder = Path(held.enter_context(TemporaryDirectory(prefix="custos-bench-objects-")))
        made = objects.kept(objects.ct(SLICES), folder / "ct")
        files = sorted((folder / "ct").iterdir())
        ours = held.enter_context(custos.running(PACS_TLS="off"))
        peer = held.enter_context(orthanc.running())
        peer.keep(files, RUN)
        send(ours.archive.dicom_port, custos.TITLE, custos.SENDER, files, run=RUN)
        wait_for(lambda: ours.looked()["ready"] >= KINDS_READY, QUIET_SECONDS, "a quiet series")
        promises.settle(ours)
        theirs = held.enter_context(ohif.serving(peer.url))
        browser = held.enter_context(launched(*ohif.FLAGS))
        study = of_run(made[0].study_uid, RUN)
        name, _, value = ours.cookie.partition("=")
        cookie = {"name": name, "value": value, "url": ours.url.replace("http:", "https:"), "secure": True}
        mine = Reader(browser, f"{ours.url}/studies/{study}/", OURS_ALL, SLICES, [cookie])
        other = Reader(browser, f"{theirs}/viewer?StudyInstanceUIDs={study}", PEER_ALL, SLICES)
        yield [
            Work(name, "openings/s", _rate(mine, until), _rate(other, until), pids=(ours.pid, peer.pid))
            for name, until in zip(NAMES, ("first", "all"), strict=True)
        ]
        _require_promises(ours, study, mine.opened, made)


def _rate(reader: Reader, until: str) -> Callable[[], float]:
    """Openings a second, were one to follow the other at once."""
    return lambda: 1 / reader.seconds(until)


def _require_promises(ours: custos.Custos, study: str, opened: int, made: list[objects.Made]) -> None:
    """The study is on record as viewed by who viewed it, every slice as handed out. Raises ``promises.Broken``."""
    viewed = {(who, uid) for who, uid, _ in ours.looked("each")["viewed"]}
    if opened and (custos.READER, study) not in viewed:
        raise promises.Broken(f"{custos.READER} has read {study}, and no view of it is on record")
    promises.require_delivered(ours, opened * SLICES * FRAME)
    promises.require_sealed(ours, made, [RUN], ours.looked()["names"], sum(len(one.part10) for one in made))
