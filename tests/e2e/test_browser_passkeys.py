"""A passkey in a real browser: made, used to sign in and to prove it is still you; Chromium plays the authenticator."""

import json
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.e2e.chromium import Clinic
from tests.e2e.conftest import Login

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(300)]


def newcomer(clinic: Clinic, username: str) -> str:
    """A person of this test's own, for changing factors ends sessions; returns the name."""
    made = json.loads(clinic.archive.manage("person", "add", username, "--role", "clinician", "--json").stdout)
    clinic.logins[username] = Login(username, made["password"], made["totp_uri"], "")
    return username


def plug_in(page: Page) -> tuple[CDPSession, str]:
    """Give the page's browser an authenticator that always finds its person's finger; return it with its name."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable", {"enableUI": False})
    made = session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2",
                "transport": "internal",
                "hasResidentKey": True,
                "hasUserVerification": True,
                "isUserVerified": True,
                "automaticPresenceSimulation": True,
            }
        },
    )
    return session, made["authenticatorId"]


def keys(session: CDPSession, authenticator: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = session.send("WebAuthn.getCredentials", {"authenticatorId": authenticator})[
        "credentials"
    ]
    return found


def give_password(clinic: Clinic, page: Page, username: str) -> None:
    page.goto(f"{clinic.archive.url}/sign-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(clinic.logins[username].password)
    page.get_by_role("button", name="Continue").click()


def add_passkey(clinic: Clinic, page: Page, name: str) -> None:
    page.goto(f"{clinic.archive.url}/me/")
    page.get_by_role("link", name="Look after them").click()
    page.get_by_label("Name of the new passkey").fill(name)
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.locator(f'input[value="{name}"]')).to_be_visible()


def test_a_passkey_is_made_signs_in_and_steps_up(clinic: Clinic) -> None:
    username, page = newcomer(clinic, "thea"), clinic.stranger()
    session, authenticator = plug_in(page)
    clinic.enter(page, username)
    add_passkey(clinic, page, "the key of thea")
    (kept,) = keys(session, authenticator)
    assert kept["rpId"] == "localhost"
    page.get_by_role("button", name="Sign out").click()

    give_password(clinic, page, username)
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    assert keys(session, authenticator)[0]["signCount"] > kept["signCount"]

    page.goto(f"{clinic.archive.url}/step-up/?next=/me/passkeys/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Passkeys")

    page.get_by_role("button", name="Lock", exact=True).click()
    expect(page.get_by_role("heading", name="Locked")).to_be_visible()
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_role("heading", name="Locked")).to_be_hidden()
    expect(page.get_by_role("heading", level=1)).to_have_text("Passkeys")

    # Who turns the finger away is told in words, and may give a code instead.
    session.send("WebAuthn.setUserVerified", {"authenticatorId": authenticator, "isUserVerified": False})
    page.goto(f"{clinic.archive.url}/step-up/?next=/me/")
    page.get_by_role("button", name="Use a passkey").click()
    expect(page.get_by_text("The passkey was not used.")).to_be_visible()
    page.get_by_label("Code").fill(clinic.code(username))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/me/")

    page.goto(f"{clinic.archive.url}/me/passkeys/")
    page.get_by_role("button", name="Remove").click()
    expect(page.get_by_text("You have no passkey yet.")).to_be_visible()


def test_a_passkey_can_be_the_first_factor(clinic: Clinic) -> None:
    username = newcomer(clinic, "otto")
    given = json.loads(clinic.archive.manage("person", "reset-factors", username, "--json").stdout)
    page = clinic.stranger()
    session, authenticator = plug_in(page)
    page.goto(f"{clinic.archive.url}/sign-in/")
    page.get_by_label("User name").fill(username)
    page.get_by_label("Password").fill(given["password"])
    page.get_by_role("button", name="Continue").click()
    page.get_by_label("New password").fill("nine violet owls over the harbour")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your second factor")
    page.get_by_role("button", name="Add a passkey").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Recovery codes")
    assert len(keys(session, authenticator)) == 1
    page.get_by_role("link", name="I have kept them").click()
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()


def test_without_webauthn_the_code_alone_is_offered(clinic: Clinic) -> None:
    username, page = newcomer(clinic, "pina"), clinic.stranger()
    plug_in(page)
    clinic.enter(page, username)
    add_passkey(clinic, page, "the key of pina")
    old = clinic.stranger()
    old.add_init_script("delete window.PublicKeyCredential")
    give_password(clinic, old, username)
    expect(old.get_by_label("Code")).to_be_visible()
    expect(old.get_by_role("button", name="Use a passkey")).to_be_hidden()
