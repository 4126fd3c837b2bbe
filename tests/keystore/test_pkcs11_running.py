"""A token in use: by threads, processes and forked children, taken out and put back, under a whole archive."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Timer
from uuid import uuid4

import pytest
from django.conf import settings as django_settings
from pytest_django import Settings

from keystore import checks, keys, roots
from keystore.errors import RootKeyError
from keystore.models import EpochKey
from tests import forking
from tests.conftest import Installation
from tests.keystore import softhsm
from tests.keystore.softhsm import Hsm
from vault.random import new_secret

pytestmark = pytest.mark.softhsm


@pytest.fixture
def hsm(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hsm]:
    """A token with a root key in it."""
    settings.PACS_DATA_DIR = tmp_path / "data"
    settings.PACS_DATA_DIR.mkdir()
    roots.forget()
    made = softhsm.make(tmp_path / "hsm", monkeypatch)
    roots.create(made.url())
    yield made
    roots.forget()


def test_a_token_taken_out_fails_closed_and_serves_again_when_it_is_back(hsm: Hsm) -> None:
    root, secret, key_id = roots.from_url(hsm.url()), new_secret(), uuid4()
    wrapped = root.wrap(key_id, secret)
    for _ in range(2):
        hsm.tokens.rename(hsm.root / "away")
        for _ in range(3):
            with pytest.raises(RootKeyError, match="token"):
                root.unwrap(key_id, wrapped)
            with pytest.raises(RootKeyError, match="token"):
                root.wrap(key_id, secret)
        (hsm.root / "away").rename(hsm.tokens)
        assert root.unwrap(key_id, wrapped) == secret


def test_a_token_that_is_away_for_a_moment_is_looked_for_again(hsm: Hsm) -> None:
    root, secret, key_id = roots.from_url(hsm.url()), new_secret(), uuid4()
    wrapped = root.wrap(key_id, secret)
    (token,) = hsm.tokens.iterdir()
    for _ in range(3):
        roots.forget()
        token.rename(hsm.root / "away")
        back = Timer(0.15, (hsm.root / "away").rename, [token])
        back.start()
        try:
            assert root.unwrap(key_id, wrapped) == secret
        finally:
            back.join()


def test_eight_threads_at_once_all_get_their_own_keys(hsm: Hsm) -> None:
    root = roots.from_url(hsm.url())

    def one(_: int) -> bool:
        secret, key_id = new_secret(), uuid4()
        wrapped = root.wrap(key_id, secret)
        with pytest.raises(RootKeyError):
            root.unwrap(uuid4(), wrapped)
        with pytest.raises(RootKeyError, match="does not open a key"):
            root.unwrap(key_id, wrapped[:-1] + bytes([wrapped[-1] ^ 1]))
        return root.unwrap(key_id, wrapped) == secret

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(64)))


def test_threads_that_sign_out_do_not_disturb_others(hsm: Hsm) -> None:
    root, secret, key_id = roots.from_url(hsm.url()), new_secret(), uuid4()
    wrapped = root.wrap(key_id, secret)

    def one(number: int) -> bool:
        if number % 4 == 0:
            roots.forget()
        return root.unwrap(key_id, wrapped) == secret

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(one, range(64)))


PROGRAM = """
import sys, django
django.setup()
from uuid import UUID
from django.conf import settings
from keystore import roots
root = roots.from_url(settings.PACS_KEK_URL)
found = root.unwrap(UUID(sys.argv[1]), bytes.fromhex(sys.argv[2]))
assert found.hex() == sys.stdin.readline().strip()
print(root.id)
"""


def test_processes_at_once_use_the_same_root(hsm: Hsm, tmp_path: Path) -> None:
    root, secret, key_id = roots.from_url(hsm.url()), new_secret(), uuid4()
    wrapped = root.wrap(key_id, secret)
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("PACS_")},
        "PACS_KEK_URL": hsm.url(),
        "PACS_DATA_DIR": str(tmp_path / "data"),
        "DJANGO_SETTINGS_MODULE": "pacs.settings",
    }
    command = [sys.executable, "-c", PROGRAM, str(key_id), wrapped.hex()]
    started = [
        subprocess.Popen(
            command, env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        for _ in range(3)
    ]
    said = [process.communicate(f"{secret.hex()}\n", timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0, 0], said
    assert {line.strip() for line in said} == {str(root.id)}
    assert root.unwrap(key_id, wrapped) == secret


def test_a_forked_child_signs_in_for_itself_and_leaves_its_parent_alone(hsm: Hsm) -> None:
    root, secret, key_id = roots.from_url(hsm.url()), new_secret(), uuid4()
    wrapped = root.wrap(key_id, secret)

    def opens() -> bool:
        fine = root.unwrap(key_id, wrapped) == secret and root.unwrap(key_id, wrapped) == secret
        roots.forget()
        return fine and roots.from_url(hsm.url()).unwrap(key_id, wrapped) == secret

    for _ in range(2):
        assert forking.ended(forking.child(opens)) == 0
        assert root.unwrap(key_id, wrapped) == secret


@pytest.fixture
def moved(installation: Installation, hsm: Hsm) -> Hsm:
    """The installation begun anew on a root key in the token."""
    django_settings.PACS_DATA_DIR, django_settings.PACS_KEK_URL = installation.data, hsm.url()
    return hsm


def test_rows_of_two_epochs_cannot_change_places(installation: Installation, moved: Hsm) -> None:
    root = roots.from_url(moved.url())
    ids = [uuid4(), uuid4()]
    for number, key_id in enumerate(ids):
        wrapped = root.wrap(key_id, new_secret())
        EpochKey.objects.create(id=key_id, number=100 + number, root_id=root.id, wrapped=wrapped)
    one, two = (EpochKey.objects.get(id=key_id) for key_id in ids)
    keys.forget()
    one.wrapped, two.wrapped = two.wrapped, one.wrapped
    one.save()
    two.save()
    with pytest.raises(RootKeyError, match="does not open"):
        keys.unwrap_under_epoch(one.id, uuid4(), b"")


def test_the_start_refuses_another_root_and_passes_on_its_own(installation: Installation, moved: Hsm) -> None:
    with pytest.raises(RootKeyError, match="is not the one that wrapped"):
        checks.start_check()
