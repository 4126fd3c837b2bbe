"""A real Chromium on a whole archive, and what a person does in it: sign in, open a study, point at a pixel."""

import base64
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from django_otp.oath import hotp
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, ViewportSize, expect, sync_playwright

from tests import services
from tests.conftest import REQUIRED
from tests.e2e.running import Archive, wait_for

if TYPE_CHECKING:
    from tests.e2e.conftest import Login

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
DESK = ViewportSize(width=1440, height=900)
STEP = 30
PATIENCE = 20_000  # milliseconds

expect.set_options(timeout=PATIENCE)


def program() -> str:
    """The path of the Chromium of this machine; the test is skipped, or fails, where there is none."""
    found = services.program("chromium") or services.program("chromium-browser") or services.program("google-chrome")
    if found is None:
        services.absent("browser", REQUIRED)
    assert found is not None
    return found


@contextmanager
def launched(*more: str) -> Iterator[Browser]:
    """A running Chromium, with more flags where they are given; it ends with the block."""
    path = program()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *more])
        try:
            yield browser
        finally:
            browser.close()


def totp(seed: str, step: int) -> str:
    """The code of one step of thirty seconds (RFC 6238) for a seed in base32."""
    return f"{hotp(base64.b32decode(seed), step, 6):06d}"


@dataclass
class Clinic:
    """One running archive, one browser, and the people who use them."""

    archive: Archive
    browser: Browser
    logins: "dict[str, Login]"
    _spent: dict[str, int] = field(default_factory=dict)
    _signed_in: dict[str, StorageState] = field(default_factory=dict)
    _open: list[BrowserContext] = field(default_factory=list)

    def code(self, username: str, seed: str = "") -> str:
        """A code that this person has not used yet; neighbouring steps count too, so that nobody has to wait often."""
        seed = seed or parse_qs(urlsplit(self.logins[username].totp_uri).query)["secret"][0]

        def unused() -> int:
            now = int(time.time()) // STEP
            # A step that ends in this very moment would not be taken any more.
            first = now if time.time() % STEP > STEP - 4 else now - 1
            return next((step for step in range(first, now + 2) if step > self._spent.get(username, 0)), 0)

        step = wait_for(unused, 2 * STEP, f"an unused code of {username}")
        self._spent[username] = step
        return totp(seed, step)

    def stranger(self, **options: Any) -> Page:
        """A page of a browser that nobody has signed in to."""
        context = self.browser.new_context(ignore_https_errors=True, **{"viewport": DESK, "locale": "en-GB", **options})
        context.set_default_timeout(PATIENCE)
        self._open.append(context)
        return context.new_page()

    def enter(self, page: Page, username: str) -> None:
        """Type password and code as a person does; end on the first page."""
        page.goto(f"{self.archive.url}/sign-in/")
        page.get_by_label("User name").fill(username)
        page.get_by_label("Password").fill(self.logins[username].password)
        page.get_by_role("button", name="Continue").click()
        page.get_by_label("Code").fill(self.code(username))
        page.get_by_role("button", name="Continue").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()

    def page(self, username: str, **options: Any) -> Page:
        """A page of a browser in which this person has signed in before."""
        if username not in self._signed_in:
            page = self.stranger()
            self.enter(page, username)
            self._signed_in[username] = page.context.storage_state()
        return self.stranger(storage_state=self._signed_in[username], **options)

    def tidy(self) -> None:
        """Close what a test has opened."""
        while self._open:
            self._open.pop().close()


@dataclass(frozen=True)
class Viewer:
    """The image viewer on a page, one of its panes."""

    page: Page
    number: int = 0

    @property
    def pane(self) -> str:
        return f'[data-pane="{self.number}"]'

    def attribute(self, name: str) -> str:
        return self.page.locator(self.pane).get_attribute(f"data-{name}") or ""

    def shows(self, index: int) -> str:
        """Wait until the image with this place in its stack has been drawn; return its SOP Instance UID."""
        expect(self.page.locator(f'{self.pane}[data-index="{index}"][data-rendered]')).to_be_attached()
        return self.attribute("sop")

    def place(self, column: float, row: float) -> tuple[float, float]:
        """Where a pixel position of the image is on the page: 0, 0 is the outer corner of the first pixel."""
        left, top, across, down = map(float, self.attribute("placement").split())
        box = self.page.locator(f"{self.pane} .canvas").bounding_box()
        assert box is not None
        return box["x"] + left + column * across, box["y"] + top + row * down

    def value(self, column: int, row: int) -> list[float]:
        """Point at the middle of a pixel and read what the viewer says stands there; colours have three values."""
        self.page.mouse.move(*self.place(column + 0.5, row + 0.5))
        probe = self.page.locator(f'{self.pane} [data-probe][data-x="{column}"][data-y="{row}"]')
        return [float(part) for part in (probe.get_attribute("data-value") or "").split(",")]

    def marks(self) -> dict[str, str]:
        """The letters at the four sides of the image."""
        sides = ("top", "bottom", "left", "right")
        return {side: self.page.locator(f'{self.pane} [data-mark="{side}"]').inner_text() for side in sides}


def open_study(page: Page, archive: Archive, study_uid: str, query: str = "") -> Viewer:
    """Open a study by its address and wait for its first image."""
    page.goto(f"{archive.url}/studies/{study_uid}/{query}")
    viewer = Viewer(page)
    viewer.shows(0)
    return viewer
