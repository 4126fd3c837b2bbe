"""From an administrator's new role to a person who lost the telephone: a role given, a lock lifted, factors reset."""

import re
import secrets
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from accounts import attempts
from tests.e2e.chromium import Clinic
from tests.e2e.conftest import Hire
from tests.e2e.test_browser_setup import enrol, seed_shown

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]
PHRASE = "nine grey cranes over the estuary"
ANOTHER = "four blue kites beyond the orchard"


@dataclass
class Guest:
    """Somebody made for one test, in one browser: the name, the password of now, and the seed of the telephone."""

    page: Page
    name: str
    password: str
    seed: str = ""

    def gives(self, clinic: Clinic, password: str) -> None:
        """Type name and password at the first page of all."""
        self.page.goto(f"{clinic.archive.url}/sign-in/")
        self.page.get_by_label("User name").fill(self.name)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Continue").click()

    def enters_first(self, clinic: Clinic, chosen: str) -> None:
        """Replace the initial password, enrol whatever seed is shown, and keep both."""
        self.gives(clinic, self.password)
        self.page.get_by_label("New password").fill(chosen)
        self.page.get_by_role("button", name="Continue").click()
        self.password, self.seed = chosen, seed_shown(self.page)
        assert len(set(enrol(clinic, self.page, self.seed))) == 10
        self.page.get_by_role("link", name="I have kept them").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def types(self, code: str) -> None:
        self.page.get_by_label("Code").fill(code)
        self.page.get_by_role("button", name="Continue").click()


def test_a_role_is_made_and_given_a_lock_is_lifted_and_lost_factors_are_reset_by_two(
    clinic: Clinic, hired: Hire
) -> None:
    mark = secrets.token_hex(4)
    admin, second = hired("administrator"), hired("administrator")
    make_role(clinic, admin, f"night reader {mark}")
    guest = Guest(
        clinic.stranger(), f"guest-{mark}", make_person(clinic, admin, f"guest-{mark}", f"night reader {mark}")
    )

    guest.enters_first(clinic, PHRASE)
    may_what_the_role_says(clinic, guest.page)
    guest.page.get_by_role("button", name="Sign out").click()

    is_locked_out(clinic, guest)
    is_let_in_again(clinic, admin, guest)
    enters_after_wrong_codes(clinic, guest)

    before = guest.seed
    given = reset_by_two(clinic, admin, second, guest.name)
    nothing_of_before_opens(clinic, guest)
    guest.password = given
    guest.enters_first(clinic, ANOTHER)
    assert guest.seed != before
    guest.page.get_by_role("button", name="Sign out").click()
    guest.gives(clinic, ANOTHER)
    guest.types(clinic.code(guest.seed, guest.seed))
    expect(guest.page.get_by_role("button", name="Sign out")).to_be_visible()
    may_what_the_role_says(clinic, guest.page)


def make_role(clinic: Clinic, page: Page, name: str) -> None:
    page.goto(f"{clinic.archive.url}/roles/")
    page.get_by_role("link", name="New role").click()
    page.get_by_label("Name").fill(name)
    for words in ("search for studies of the own groups", "view images of studies"):
        page.get_by_label(words).check()
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_role("columnheader", name=name)).to_be_visible()


def make_person(clinic: Clinic, page: Page, name: str, role: str) -> str:
    """Make a person with one role; return the initial password, which is shown once."""
    page.goto(f"{clinic.archive.url}/people/new/")
    page.get_by_label("User name").fill(name)
    page.get_by_label(role).check()
    page.get_by_label("Radiology").check()
    page.get_by_role("button", name="Create").click()
    return page.locator("#initial-password").inner_text()


def may_what_the_role_says(clinic: Clinic, page: Page) -> None:
    for path, status in (("/people/", 403), ("/record/", 403), ("/studies/", 200)):
        answer = page.goto(f"{clinic.archive.url}{path}")
        assert answer is not None
        assert answer.status == status, path


def is_locked_out(clinic: Clinic, guest: Guest) -> None:
    for wrong in range(attempts.FREE):
        guest.gives(clinic, f"{PHRASE} {wrong}")
        expect(guest.page.get_by_role("alert")).to_contain_text("Name or password is wrong")
    guest.gives(clinic, PHRASE)
    expect(guest.page.get_by_role("alert")).to_contain_text("there were too many attempts")
    expect(guest.page.get_by_label("Code")).to_have_count(0)


def is_let_in_again(clinic: Clinic, page: Page, guest: Guest) -> None:
    page.goto(f"{clinic.archive.url}/people/locked/")
    row = page.get_by_role("row").filter(has_text=guest.name)
    expect(row.get_by_role("cell", name=str(attempts.FREE), exact=True)).to_be_visible()
    row.get_by_role("button", name="Let in again").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign-ins held up")
    expect(page.get_by_role("row").filter(has_text=guest.name)).to_have_count(0)


def enters_after_wrong_codes(clinic: Clinic, guest: Guest) -> None:
    guest.gives(clinic, PHRASE)
    right = clinic.code(guest.seed, guest.seed)
    for step in range(2):
        guest.types(f"{(int(right) + 1 + step) % 1_000_000:06d}")
        expect(guest.page.get_by_role("alert")).to_contain_text("This code is wrong")
    out = guest.page.get_by_role("button", name="Sign out")
    # Each wrong code makes the next wait; one that came too early was not used up.
    for _again in range(20):
        guest.types(right)
        expect(out.or_(guest.page.get_by_role("alert"))).to_be_visible()
        if out.is_visible():
            return
        guest.page.wait_for_timeout(250)
    raise AssertionError("a right code is never taken again")


def reset_by_two(clinic: Clinic, asker: Page, other: Page, name: str) -> str:
    """One administrator asks, who cannot confirm, and another confirms; return the new initial password."""
    asker.goto(f"{clinic.archive.url}/people/?q={name}")
    asker.get_by_role("link", name=name).click()
    asker.get_by_role("button", name="Ask for a reset").click()
    expect(asker.get_by_text("Another person who may do the same must confirm it. You cannot.")).to_be_visible()
    expect(asker.get_by_role("button", name=re.compile("Confirm|Carry it out"))).to_have_count(0)
    other.goto(f"{clinic.archive.url}/approvals/")
    other.locator("#waiting tr").filter(has_text=name).get_by_role("link").click()
    expect(other.get_by_text(name).first).to_be_visible()
    other.get_by_role("button", name="Confirm, and do it now").click()
    return other.locator("#initial-password").inner_text()


def nothing_of_before_opens(clinic: Clinic, guest: Guest) -> None:
    """The session that stood is over, and the old password no longer leads to the second factor."""
    guest.page.goto(f"{clinic.archive.url}/studies/")
    expect(guest.page.get_by_label("Password")).to_be_visible()
    guest.gives(clinic, PHRASE)
    expect(guest.page.get_by_role("alert")).to_contain_text("Name or password is wrong")
