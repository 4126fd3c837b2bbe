"""Keys unlock for receipts of acts that open a study at a door, each for its own study and its own purpose."""

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from accounts import doorways, gate
from accounts.actors import Actor
from accounts.gate import PatientReceipt, SearchReceipt
from archive import ingest, keys
from audit.actions import Action
from audit.errors import NotCovered
from audit.receipts import Receipt
from tests import builders

SHUT = sorted(set(Action) - set(doorways.OPENING))


@pytest.fixture
def viewed(modality: Any, radiologist: Any, actor_of: Any) -> Receipt:
    study = ingest.store(actor_of(modality), builders.part10(builders.ct_slice())).study_uid
    return gate.view(actor_of(radiologist), study, found=True)


def of(viewed: Receipt) -> str:
    (study,) = viewed.study_uids
    return study


@pytest.mark.parametrize("action", SHUT)
def test_a_receipt_of_an_act_that_opens_at_no_door_opens_nothing(viewed: Receipt, action: Action) -> None:
    assert keys.unlock(viewed, of(viewed))
    with pytest.raises(NotCovered):
        keys.unlock(replace(viewed, action=action), of(viewed))


@pytest.mark.parametrize("action", sorted(doorways.OPENING))
def test_a_receipt_of_another_study_opens_nothing(viewed: Receipt, action: Action) -> None:
    other = replace(viewed, action=action, study_uids=frozenset({"1.2.3"}))
    with pytest.raises(NotCovered):
        keys.unlock(other, of(viewed))


def test_a_receipt_of_a_search_or_of_patients_opens_no_study(viewed: Receipt, actor_of: Any, radiologist: Any) -> None:
    actor: Actor = actor_of(radiologist)
    for other in (SearchReceipt(actor, {}), PatientReceipt(actor, {}), None, "no receipt"):
        with pytest.raises(TypeError):
            keys.unlock(other, of(viewed))  # type: ignore[arg-type]


def test_what_opens_a_study_opens_no_list_no_patients_and_no_phrases(viewed: Receipt) -> None:
    with pytest.raises(TypeError):
        keys.unlock_listed(viewed, [of(viewed)])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        keys.unlock_patients(viewed, ["0" * 32])  # type: ignore[arg-type]
    with pytest.raises(NotCovered):
        keys.unlock_phrases(viewed)
    with pytest.raises(TypeError):
        keys.unlock_phrases(uuid4())  # type: ignore[arg-type]
    assert keys.unlock_phrases(replace(viewed, action=Action.REINDEXED, study_uids=frozenset()))


def test_a_search_opens_no_patients_and_a_search_for_patients_no_list(actor_of: Any, radiologist: Any) -> None:
    actor: Actor = actor_of(radiologist)
    with pytest.raises(TypeError):
        keys.unlock_patients(SearchReceipt(actor, {}), [])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        keys.unlock_listed(PatientReceipt(actor, {}), [])  # type: ignore[arg-type]


def test_each_act_that_opens_does_so_at_built_doors_that_are_named() -> None:
    for action, doors in doorways.OPENING.items():
        assert doors, action
        assert set(doors) <= set(doorways.ALL) - set(doorways.TO_COME), action
    assert not doorways.opens(Action.TRANSFERRED)
