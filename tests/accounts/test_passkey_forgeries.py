"""What a thief, a liar or a copy may try with a passkey: each is refused, on record, and lets nobody in."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.factors import passkeys, sites, webauthn
from accounts.models import Challenge, Passkey, Person, Session
from audit.models import Alert
from tests.accounts.authenticator import PRESENT, VERIFIED, Authenticator, Named, text
from tests.accounts.recorded import events

pytestmark = pytest.mark.usefixtures("installation")

LIES: dict[str, dict[str, Any]] = {
    "another origin": {"origin": "https://evil.test"},
    "a host below ours": {"origin": "https://x.localhost"},
    "a host that ends like ours": {"origin": "https://evillocalhost"},
    "another port": {"origin": "https://localhost:9999"},
    "no encryption": {"origin": "http://localhost"},
    "an origin that is a list": {"origin": ["https://localhost"]},
    "a key bound to another host": {"host": "evil.test"},
    "a frame of another page": {"framed": True},
    "a frame that says so in words": {"framed": "yes"},
    "another challenge": {"challenge": text(b"0" * 32)},
    "no challenge": {"challenge": ""},
    "nobody there": {"without": PRESENT},
    "nobody verified": {"without": VERIFIED},
}


@pytest.fixture
def key(radiologist: Person) -> Authenticator:
    """The radiologist's only factor."""
    made, browser = Authenticator(), Named()
    browser.give_password(radiologist)
    assert browser.make(made, "/sign-in/enrol/").status_code == 200
    return made


def half(person: Person) -> Named:
    browser = Named()
    browser.give_password(person)
    return browser


def shut(browser: Named, answer: Any) -> bool:
    return answer.status_code == 422 and browser.open("/me/").status_code == 302


@pytest.mark.parametrize("lie", [*LIES, "a tampered signature", "another owner", "another ceremony"])
def test_a_lie_proves_nothing(radiologist: Person, key: Authenticator, lie: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "a tampered signature": {"tampered": True},
        "another owner": {"owner": b"x" * 16},
        "another ceremony": {"kind": "webauthn.create"},
    }
    browser = half(radiologist)
    assert shut(browser, browser.use(key, **{**LIES, **more}[lie])), lie
    assert events("person:sign-in")[-1] == ("radiologist", "denied")
    assert browser.use(key)["Location"] == "/"


@pytest.mark.parametrize("lie", [*LIES, "another ceremony", "an algorithm nobody asked for"])
def test_a_lie_makes_no_passkey(radiologist: Person, lie: str) -> None:
    more: dict[str, dict[str, Any]] = {
        "another ceremony": {"kind": "webauthn.get"},
        "an algorithm nobody asked for": {"algorithm": -65535},
    }
    browser = half(radiologist)
    assert shut(browser, browser.make(Authenticator(), "/sign-in/enrol/", **{**LIES, **more}[lie])), lie
    assert not Passkey.objects.exists()
    assert browser.make(Authenticator(), "/sign-in/enrol/").status_code == 200


def test_an_answer_works_once_and_its_challenge_for_two_minutes(radiologist: Person, key: Authenticator) -> None:
    browser, again = half(radiologist), half(radiologist)
    answer = key.use(browser.wishes("/passkeys/ask/"))
    assert browser.send("/sign-in/code/", credential=answer).status_code == 302
    assert shut(again, again.send("/sign-in/code/", credential=answer))
    late = key.use(again.wishes("/passkeys/ask/"))
    Challenge.objects.update(expires_at=timezone.now())
    assert shut(again, again.send("/sign-in/code/", credential=late))


def test_a_challenge_that_failed_is_spent(radiologist: Person, key: Authenticator) -> None:
    browser = half(radiologist)
    options = browser.wishes("/passkeys/ask/")
    assert shut(browser, browser.send("/sign-in/code/", credential=key.use(options, tampered=True)))
    assert shut(browser, browser.send("/sign-in/code/", credential=key.use(options)))


def test_the_challenge_of_another_session_or_another_act_is_not_this_ones(
    radiologist: Person, key: Authenticator
) -> None:
    mine, theirs = half(radiologist), half(radiologist)
    mine.wishes("/passkeys/ask/")
    assert shut(mine, mine.send("/sign-in/code/", credential=key.use(theirs.wishes("/passkeys/ask/"))))
    # The key of the session changes with the proof, and what was asked for before it is dead.
    before = key.use(theirs.wishes("/passkeys/ask/"))
    theirs.send("/sign-in/code/", credential=key.use(theirs.wishes("/passkeys/ask/")))
    assert theirs.send("/step-up/", credential=before).status_code == 422
    answer = key.use(theirs.wishes("/passkeys/offer/"))
    assert theirs.send("/step-up/", credential=answer).status_code == 422


def test_the_passkey_of_somebody_else_does_not_sign_in(
    radiologist: Person, outsider: Person, key: Authenticator
) -> None:
    own, browser = Authenticator(), half(outsider)
    browser.make(own, "/sign-in/enrol/")
    thief = half(outsider)
    assert shut(thief, thief.use(key))
    assert shut(thief, thief.use(key, owner=outsider.id.bytes))
    # A key pair of one's own under the id of another's passkey is another's passkey no more than that.
    posing = Authenticator(id=key.id)
    again = half(radiologist)
    assert shut(again, again.use(posing, owner=radiologist.id.bytes))


def test_a_passkey_that_somebody_has_is_kept_for_nobody_else(
    radiologist: Person, outsider: Person, key: Authenticator
) -> None:
    browser = half(outsider)
    assert shut(browser, browser.make(Authenticator(id=key.id), "/sign-in/enrol/"))
    assert Passkey.objects.get().person == radiologist


def test_a_copy_whose_count_does_not_go_on_is_refused_with_an_alert(radiologist: Person, key: Authenticator) -> None:
    half(radiologist).use(key)
    row = Passkey.objects.get()
    assert row.sign_count == key.count > 0
    for count in (row.sign_count, row.sign_count - 1, 0):
        browser = half(radiologist)
        assert shut(browser, browser.use(key, count=count)), count
    assert Alert.objects.get(kind="passkey-copied").times == 3
    assert Passkey.objects.get().sign_count == row.sign_count
    assert half(radiologist).use(key)["Location"] == "/"


def test_a_synced_passkey_that_never_counts_goes_on_working(radiologist: Person) -> None:
    key = Authenticator(counts=False)
    half(radiologist).make(key, "/sign-in/enrol/")
    for _time in range(3):
        assert half(radiologist).use(key)["Location"] == "/"
    assert not Alert.objects.filter(kind="passkey-copied").exists()


@pytest.mark.both_databases
def test_of_fifty_parallel_uses_of_one_answer_one_gets_in(radiologist: Person, key: Authenticator) -> None:
    place = sites.site("localhost")
    assert place is not None
    row = Session.objects.latest("started_at").pk
    options = passkeys.ask(radiologist, row, "localhost")
    assert options is not None
    answer = key.use(options)

    def use(_turn: int) -> bool:
        try:
            return passkeys.prove(radiologist, row, "localhost", answer) is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(50) as pool:
        assert list(pool.map(use, range(50))).count(True) == 1


@pytest.mark.parametrize("answer", ["{}", "[]", "null", "{", "1", '{"response": {}}', "[" * 9000, "x" * 20_000, "\0"])
def test_what_is_no_answer_at_all_is_refused_in_words(radiologist: Person, key: Authenticator, answer: str) -> None:
    browser = half(radiologist)
    browser.wishes("/passkeys/ask/")
    assert shut(browser, browser.send("/sign-in/code/", credential=answer))


SITE = sites.Site("localhost", ("https://localhost",))
OWNER = Authenticator()
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.binary(max_size=64).map(text),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.fixed_dictionaries(
    {name: JSON for name in ("clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle")}
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(answer=FIELDS, attested=st.binary(max_size=200))
def test_no_answer_whatever_makes_the_reader_trip(answer: dict[str, Any], attested: bytes) -> None:
    challenge = b"c" * 32
    made = json.loads(OWNER.make({"challenge": text(challenge), "user": {"id": ""}}))
    for response in (answer, {**made["response"], "attestationObject": text(attested)}, {**made["response"], **answer}):
        bent = json.dumps({**made, "response": response})
        with pytest.raises(webauthn.NotProved):
            webauthn.registered(SITE, challenge, bent)
        with pytest.raises(webauthn.NotProved):
            webauthn.asserted(SITE, challenge, Person().id, [], bent)


def test_maps_nested_without_end_are_refused(radiologist: Person) -> None:
    challenge = b"c" * 32
    made = json.loads(OWNER.make({"challenge": text(challenge), "user": {"id": ""}}))
    for nested in (b"\x81" * 8000, b"\xa1\x00" * 4000, b"\x9b" + b"\xff" * 8, b"\x5b" + b"\xff" * 8):
        made["response"]["attestationObject"] = text(nested)
        with pytest.raises(webauthn.NotProved):
            webauthn.registered(SITE, challenge, json.dumps(made))
