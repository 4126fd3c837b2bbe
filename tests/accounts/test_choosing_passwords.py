"""What a password may be: anything long that nobody tries first, typed on whatever keyboard."""

import time
import unicodedata
from typing import Any

import pytest
from argon2 import extract_parameters
from django.conf import settings as django_settings
from django.contrib.auth.hashers import make_password

from accounts import guessable, people
from accounts.errors import Unacceptable
from accounts.hashers import Argon2
from accounts.models import Person
from tests.accounts.browsing import Browser

pytestmark = pytest.mark.usefixtures("installation")


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "password1234",
        "Password2026!!",
        "PasswordPassword",
        "1234567890123",
        "abcdefghijklmno",
        "zyxwvutsrqponm",
        "aaaaaaaaaaaaaa",
        "x" * 129,
        "radiologist12",
        "Radiologist-2026",
        "rosa weber 1980",
        "Custos-2026-pacs",
        "pacs.clinic.example",
        "Clinic2026!!!",
    ],
)
def test_bad_passwords_are_refused(radiologist: Person, settings: Any, password: str) -> None:
    settings.PACS_HOSTS = ("pacs.clinic.example",)
    with pytest.raises(Unacceptable):
        people.change_password(radiologist, password)


@pytest.mark.parametrize(
    "password",
    [
        "drei kleine graue esel",
        "8302 4471 9920 1753",
        "!!!! ???? ,,,, ;;;; ++++",
        "\u0434\u043e\u0431\u0440\u043e\u0435 \u0443\u0442\u0440\u043e \u0434\u0440\u0443\u0433",
        "custos has eleven grey geese",
        "y" + "x-tree by the lake " * 6,
    ],
)
def test_whatever_else_is_long_is_fine_without_rules_of_composition(radiologist: Person, password: str) -> None:
    people.change_password(radiologist, password)
    radiologist.refresh_from_db()
    assert radiologist.password.startswith("argon2")
    assert people.knows(radiologist, password)
    assert Browser().give_password(radiologist, password).status_code == 302


def test_every_common_password_of_twelve_signs_is_refused_as_it_is_and_behind_digits(radiologist: Person) -> None:
    common = sorted(guessable.common())
    assert len(common) > 19_000
    validator = guessable.NotGuessable()
    for word in [word for word in common if word.isalpha() and len(word) >= 6][:500]:
        with pytest.raises(Exception, match="tried first"):
            validator.validate(f"{word.title()}2026!", radiologist)


def test_the_same_password_from_another_keyboard_is_the_same(radiologist: Person) -> None:
    typed = "\u00e9l\u00e9phants \u00e0 Troyes"
    others = (unicodedata.normalize("NFD", typed), typed.replace(" ", "\u00a0"), typed.replace(" ", "\u2009"))
    for chosen in (typed, *others):
        people.change_password(radiologist, chosen)
        for again in (typed, *others):
            assert people.knows(radiologist, again), (chosen, again)
        assert not people.knows(radiologist, "elephants a Troyes")


def test_a_password_kept_in_another_form_before_still_works(radiologist: Person) -> None:
    decomposed = unicodedata.normalize("NFD", "\u00e9l\u00e9phants \u00e0 Troyes")
    radiologist.password = make_password(decomposed)
    assert people.knows(radiologist, decomposed)


def test_an_older_hash_is_renewed_when_its_password_is_right_and_only_then(
    radiologist: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    phrase = "drei kleine graue esel"
    with monkeypatch.context() as past:
        past.setattr(Argon2, "memory_cost", 19 * 1024)
        radiologist.password = make_password(phrase)
    radiologist.save()
    assert not people.knows(radiologist, "drei kleine graue pferde")
    assert Person.objects.get(pk=radiologist.pk).password == radiologist.password
    assert people.knows(radiologist, phrase)
    kept = Person.objects.get(pk=radiologist.pk).password
    assert extract_parameters("$" + kept.split("$", 1)[1]).memory_cost == Argon2.memory_cost
    assert people.knows(radiologist, phrase)


def test_a_hash_costs_what_the_recommendations_ask_and_a_person_can_wait_for() -> None:
    assert (Argon2.memory_cost, Argon2.parallelism) >= (46 * 1024, 1)
    assert django_settings.PASSWORD_HASHERS[0] == "accounts.hashers.Argon2"
    began = time.perf_counter()
    make_password("drei kleine graue esel")
    assert 0.005 < time.perf_counter() - began < 2.0


def test_forms_allow_paste_and_long_passwords_and_say_no_rule_but_length(radiologist: Person) -> None:
    page = Browser().sign_in(radiologist).open("/me/").content.decode()
    assert 'minlength="12" maxlength="128"' in page
    assert "onpaste" not in page
    assert "pattern=" not in page
