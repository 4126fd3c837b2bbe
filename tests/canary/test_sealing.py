"""Nothing readable at rest: the sweep finds nothing after all that can happen to a study, and finds each call that
seals as soon as that one call leaves its plaintext as it is."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from accounts.actors import Actor
from archive import frames
from archive.dataset import facts
from keystore import recovery
from tests import builders
from tests.canary import places, sites
from tests.canary.objects import Canary
from tests.canary.places import Needle
from tests.canary.walking import Walk, secrets_drawn
from tests.conftest import Installation
from vault.wrap import SECRET_SIZE

UNSTORED = {
    "keystore/checks.py:start_check": "what it wraps is unwrapped again at once and kept nowhere",
    "keystore/rotation.py:_pass": "what the new root does not give back is refused before anything is written",
}


@pytest.fixture
def walk(
    modality: Any,
    radiologist: Any,
    technologist: Any,
    privacy_officer: Any,
    outsider: Any,
    actor_of: Callable[[Any], Actor],
    installation: Installation,
) -> Walk:
    sender, reader, keeper, officer = map(actor_of, (modality, radiologist, technologist, privacy_officer))
    return Walk(Canary(), sender, reader, keeper, officer, outsider, installation.root)


def needles(walk: Walk, drawn: list[bytes]) -> list[Needle]:
    """What is to be sealed besides the words of the study: keys, seeds, frame tables, heads, journals, details."""
    image = builders.part10(walk.canary.image())
    table = frames.encode(frames.build(image, facts(image)))
    return [
        *(Needle(f"secret {number}", places.secret(value)) for number, value in enumerate(drawn)),
        *(Needle("a recovery key", (recovery.public_of(value),)) for value in drawn if len(value) == SECRET_SIZE),
        Needle("a frame table", (table,), lambda place: "archive_instance" in place),
        Needle("details of an event", (b'"instances"', b'"statuses"'), lambda place: "audit_event" in place),
        Needle("a UID", (walk.canary.study_uid.encode(),), unindexed),
        Needle("a picture", (b"JFIF\0\1",)),
    ]


def unindexed(place: str) -> bool:
    """Whether a place may not even hold UIDs, which the index has in clear."""
    return place.endswith(".pack") or "journal" in place or place.startswith("vault/")


def swept(walk: Walk, installation: Installation, drawn: list[bytes]) -> list[str]:
    words = [*walk.canary.words(), walk.reason, walk.asked]
    return places.found(places.kept(installation), words, needles(walk, drawn))


@pytest.mark.both_databases
def test_after_all_that_can_happen_to_a_study_nothing_of_it_is_readable(
    walk: Walk, installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = secrets_drawn(monkeypatch)
    walk.run()
    assert len(drawn) > 4
    kept = places.kept(installation)
    # The sweep looked where the study is: its UID stands in the index, and there were packs and a journal to look into.
    assert walk.canary.study_uid.encode() in kept["table archive_study"]
    assert any(name.endswith(".pack") for name in kept)
    assert any("journal" in name and content for name, content in kept.items() if not name.startswith("table"))
    assert swept(walk, installation, drawn) == []


ALL = sites.sites()
NAMED = [f"{site}-{number}" if number else str(site) for site, number in zip(ALL, (
    Counter(str(one) for one in ALL[:at])[str(site)] for at, site in enumerate(ALL)), strict=True)]  # fmt: skip


def test_the_calls_that_seal_are_found_in_the_sources() -> None:
    assert len(ALL) >= 15
    assert set(UNSTORED) <= set(NAMED)


@pytest.mark.parametrize("site", [pytest.param(one, id=name) for one, name in zip(ALL, NAMED, strict=True)])
def test_with_sealing_disabled_at_one_call_the_sweep_finds_it(
    walk: Walk, installation: Installation, monkeypatch: pytest.MonkeyPatch, site: sites.Site
) -> None:
    if str(site) in UNSTORED:
        return
    drawn = secrets_drawn(monkeypatch)
    walk.strict = False
    with sites.disabled(site, monkeypatch) as passed:
        walk.run()
    assert passed, f"{site} seals, and nothing that this test does comes by there"
    assert swept(walk, installation, drawn) != [], f"{site} left its plaintext, and the sweep did not see it"
