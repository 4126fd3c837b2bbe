"""The day the root is lost: enough shares open everything for a new root; too few, foreign or moved ones nothing."""

import json
import logging
import time
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command

from accounts import factors
from accounts.errors import Forbidden, StepUpNeeded
from accounts.models import TotpDevice
from archive.keeping import recovering
from audit import log
from audit.models import AuditEvent
from keystore import checks, keys, recipient, recovery
from keystore.errors import RecoveryError
from keystore.models import EpochKey
from keystore.models import Installation as InstallationRow
from tests.accounts.recorded import events
from tests.archive.keeping.conftest import Actors, Held, on_disk
from tests.archive.keeping.test_rotate import another_month
from tests.conftest import PASSWORD
from vault.random import new_secret

pytestmark = pytest.mark.both_databases


@pytest.fixture
def shares(held: Held, keeper: Any, actor_of: Actors) -> list[str]:
    return recovering.export(actor_of(keeper), 3, 5)


def lose_the_root(held: Held) -> None:
    (held.place.root / "root.key").unlink()
    held.use(settings.PACS_KEK_URL)


def test_any_three_of_five_shares_bring_everything_back_without_the_old_root(held: Held, shares: list[str]) -> None:
    another_month()  # its epoch is sealed although nobody came together for it
    lose_the_root(held)
    with pytest.raises(Exception, match="no root key"):
        held.opens()
    done = held.command("recover", "--to", held.new_root, "--json", given="\n".join([shares[4], shares[0], shares[2]]))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["epochs"] == 2
    held.use(held.new_root)
    checks.start_check()
    assert held.opens()
    event = AuditEvent.objects.get(action="key:recovered", outcome="ok")
    told = json.dumps(log.open_details(event))
    seed = recovery.seed_from(shares)
    assert not any(words in done.stdout + done.stderr + told for words in (*shares, seed.hex()))
    # Nothing new comes under what was recovered.
    assert EpochKey.objects.count() == 3
    assert keys.current_epoch().id == EpochKey.objects.get(number=3).id


def test_too_few_mixed_and_foreign_shares_change_nothing(held: Held, shares: list[str]) -> None:
    lose_the_root(held)
    before = list(EpochKey.objects.values_list("root_id", "number"))
    foreign = recovery.shares(new_secret(), 3, 5)
    for given, words in (
        (shares[:2], "3 different shares"),
        ([*shares[:2], foreign[2]], "belong together"),
        (foreign[:3], "another recovery key"),
        ([], "No share"),
        (["not a share"], "misspelt"),
    ):
        done = held.command("recover", "--to", held.new_root, given="\n".join(given))
        assert done.returncode != 0
        assert words in done.stderr
    assert list(EpochKey.objects.values_list("root_id", "number")) == before
    assert not events("key:recovered")


def test_every_set_of_three_gives_the_same_recovery_key(held: Held, shares: list[str]) -> None:
    assert {recovery.public_of(recovery.seed_from(some)) for some in combinations(shares, 3)} == {recipient.public()}


@pytest.mark.parametrize(
    ("place", "when", "passed"),
    [
        ("keystore.rotation._pass", "after", False),
        ("keystore.rotation.recover", "after", False),
        ("audit.log.append", "after", False),
        ("archive.keeping.cleaning.clean", "before", True),
    ],
)
@pytest.mark.one_database
def test_killed_while_recovering_nothing_or_all_has_passed(
    held: Held, shares: list[str], monkeypatch: pytest.MonkeyPatch, place: str, when: str, passed: bool
) -> None:
    lose_the_root(held)
    slip = held.place.root / "shares.txt"
    slip.write_text("\n".join(shares[:3]))
    before = set(EpochKey.objects.values_list("root_id", flat=True))
    with slip.open() as given:
        held.killed(place, when, 1, "recover", "--to", held.new_root, stdin=given)
    assert (set(EpochKey.objects.values_list("root_id", flat=True)) != before) is passed
    if not passed:
        assert held.command("recover", "--to", held.new_root, given="\n".join(shares[:3])).returncode == 0
    held.use(held.new_root)
    assert held.opens()
    assert len(events("key:recovered")) == 1


def test_a_recovery_cell_in_another_epochs_place_does_not_open(held: Held, shares: list[str]) -> None:
    another_month()
    first, second = EpochKey.objects.order_by("number")
    EpochKey.objects.filter(id=first.id).update(recovery=second.recovery)
    lose_the_root(held)
    done = held.command("recover", "--to", held.new_root, given="\n".join(shares))
    assert "do not open epoch 1" in done.stderr
    assert set(EpochKey.objects.values_list("root_id", flat=True)) == {first.root_id}


def test_a_planted_epoch_key_is_noticed(held: Held, shares: list[str]) -> None:
    row = EpochKey.objects.get()
    public = recovery.public_of(recovery.seed_from(shares))
    EpochKey.objects.update(recovery=recovery.seal(public, row.id, bytes(32)))
    lose_the_root(held)
    done = held.command("recover", "--to", held.new_root, given="\n".join(shares))
    assert done.returncode != 0
    assert EpochKey.objects.get().root_id == row.root_id


def test_a_recovery_key_put_there_by_somebody_else_receives_no_epoch(held: Held, shares: list[str]) -> None:
    InstallationRow.objects.update(recovery=recovery.public_of(new_secret()))
    with pytest.raises(RecoveryError, match="changed by somebody else"):
        another_month()
    assert EpochKey.objects.count() == 1


def test_exporting_anew_makes_the_old_shares_useless(
    held: Held, shares: list[str], keeper: Any, actor_of: Actors
) -> None:
    before = bytes(EpochKey.objects.get().recovery or b"")
    assert before in on_disk(held.place, "keystore_epochkey")
    newer = recovering.export(actor_of(keeper), 2, 3)
    call_command("keys", "clean")
    assert before not in on_disk(held.place, "keystore_epochkey")
    lose_the_root(held)
    assert "another recovery key" in held.command("recover", "--to", held.new_root, given="\n".join(shares)).stderr
    assert held.command("recover", "--to", held.new_root, given="\n".join(newer[:2])).returncode == 0
    held.use(held.new_root)
    assert held.opens()


def test_only_a_keeper_with_a_fresh_factor_exports_shares(
    held: Held, keeper: Any, radiologist: Any, administrator: Any, actor_of: Actors
) -> None:
    for person in (radiologist, administrator):
        with pytest.raises(Forbidden):
            recovering.export(actor_of(person), 3, 5)
        with pytest.raises(Forbidden):
            recovering.recover(actor_of(person), held.new_root, ["x"])
    with pytest.raises(StepUpNeeded):
        recovering.export(replace(actor_of(keeper), stepped_up_at=time.time() - 301), 3, 5)
    with pytest.raises(RecoveryError):
        recovering.export(actor_of(keeper), 1, 5)
    assert recipient.public() is None
    assert {outcome for _, outcome in events("key:shares-exported")} == {"denied"}


def test_without_shares_ever_exported_recovery_says_so(held: Held) -> None:
    lose_the_root(held)
    words = recovery.shares(new_secret(), 2, 2)
    assert "No shares were ever" in held.command("recover", "--to", held.new_root, given="\n".join(words)).stderr


def test_the_command_shows_the_shares_once_and_neither_record_nor_log_holds_them(
    held: Held,
    keeper: Any,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    codes = factors.issue(keeper)[1]
    answers = iter(("wrong", codes[0], PASSWORD, codes[1]))
    monkeypatch.setattr("getpass.getpass", lambda _prompt: next(answers))
    with caplog.at_level(logging.DEBUG):
        with pytest.raises(CommandError):
            call_command("keys", "export-shares", "--as", "keeper", "--json")
        TotpDevice.objects.update(throttling_failure_count=0)
        call_command("keys", "export-shares", "--as", "keeper", "--json")
    told = json.loads(capsys.readouterr().out)
    assert (told["threshold"], len(told["shares"])) == (3, 5)
    assert recovery.public_of(recovery.seed_from(told["shares"][1:4])) == recipient.public()
    event = AuditEvent.objects.get(action="key:shares-exported", outcome="ok")
    details = log.open_details(event)
    assert details == {"shares": 5, "threshold": 3, "epochs": 1}
    assert not any(words[:40] in caplog.text for words in told["shares"])
    assert "3 of 5 shares" in held.command("status").stdout
