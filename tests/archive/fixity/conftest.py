"""An archive in which something is stored, and the hands that damage it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from accounts import identify
from archive import ingest
from archive.fixity import scrub
from archive.models import Instance, Scrub
from audit.models import Alert
from tests import builders

Store = Callable[..., Instance]


@pytest.fixture
def store(installation: Any, modality: Any, actor_of: Any) -> Store:
    """Store one data set, durable when this returns; returns its row."""

    def stored(ds: Any) -> Instance:
        uid = ingest.store(actor_of(modality), builders.part10(ds)).sop_uid
        return Instance.objects.select_related("pack").get(uid=uid, current=True)

    return stored


@pytest.fixture
def two(store: Store) -> tuple[Instance, Instance]:
    """Two images of one study in one pack, each longer than two chunks."""
    one, other = (store(ds) for ds in builders.study(2, side=128))
    return one, other


def run(**options: Any) -> Scrub:
    """One pass, by hand."""
    return scrub.run(identify.shell("tests"), tell=lambda now, total: None, **options)


def file_of(installation: Any, stored: Any) -> Path:
    """The pack of an instance, a rendition or a newcomer."""
    path: Path = installation.data / "packs" / f"{stored.pack.name}.pack"
    return path


def flip(path: Path, at: int) -> None:
    """Change one bit."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


def open_alerts() -> int:
    """How many alerts of damage nobody has seen."""
    return Alert.objects.filter(kind="damaged", seen_at=None).count()
