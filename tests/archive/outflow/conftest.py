"""A small archive with something in it, stored through the real way in."""

from collections.abc import Callable
from typing import Any

import pytest
from pydicom.dataset import Dataset

from accounts.actors import Actor
from archive import ingest
from tests import builders


@pytest.fixture
def sender(modality: Any, actor_of: Callable[[Any], Actor]) -> Actor:
    """The CT of Radiology."""
    return actor_of(modality)


@pytest.fixture
def store(sender: Actor) -> Callable[..., Dataset]:
    """Store one synthetic slice as the CT would; keyword arguments overwrite its attributes."""

    def stored(identity: builders.Identity | None = None, **attributes: Any) -> Dataset:
        ds = builders.ct_slice(identity, **attributes)
        ingest.store(sender, builders.part10(ds))
        return ds

    return stored


@pytest.fixture
def reader(radiologist: Any, actor_of: Callable[[Any], Actor]) -> Actor:
    """A radiologist of the same group."""
    return actor_of(radiologist)


@pytest.fixture
def stranger(outsider: Any, actor_of: Callable[[Any], Actor]) -> Actor:
    """A clinician of another group."""
    return actor_of(outsider)
