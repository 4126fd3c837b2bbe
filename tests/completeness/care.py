"""What is prepared of keys, backups and packs ahead of a row. Each yields names that the row may use."""

import secrets
from datetime import timedelta
from pathlib import Path
from tempfile import mkdtemp

from django.conf import settings
from django.utils import timezone

from accounts import identify
from accounts.actors import Actor
from archive.backup import creating, places
from archive.keeping import rekeying
from archive.models import Patient, Series, StudyKey
from keystore import keys, roots
from keystore.models import EpochKey
from tests import builders
from tests.completeness.studies import Names, stored


def shell() -> Actor:
    return identify.shell("tests")


def folder() -> Names:
    """A folder outside the data of the installation."""
    return {"folder": str(Path(mkdtemp(dir=Path(settings.PACS_DATA_DIR).parent)))}


def backup() -> Names:
    names = folder()
    creating.create(shell(), Path(names["folder"]), None, lambda *_how_far: None)
    return names


def backup_place() -> Names:
    """The only registered place."""
    for one in places.registered(shell()):
        places.forget(shell(), Path(one.path))
    names = folder()
    places.register(shell(), Path(names["folder"]), None)
    return names


def no_place() -> Names:
    for one in places.registered(shell()):
        places.forget(shell(), Path(one.path))
    return {}


def another_root() -> Names:
    """A root to which the keys pass; this process then goes on with it."""
    path = Path(settings.PACS_DATA_DIR).parent / f"{secrets.token_hex(8)}.key"
    roots.create_file(path)

    def adopted() -> None:
        if EpochKey.objects.filter(root_id=roots.from_url(f"file:{path}").id).exists():
            settings.PACS_KEK_URL = f"file:{path}"
        roots.forget()
        keys.forget()

    return {**no_place(), "root": str(path), "after": adopted}


def epoch() -> Names:
    """An epoch of an earlier month."""
    last = EpochKey.objects.filter(ended_at=None).order_by("-number").first()
    assert last is not None
    EpochKey.objects.filter(id=last.id).update(created_at=timezone.now() - timedelta(days=40))
    keys.forget()
    keys.current_epoch()
    return {**no_place(), "epoch": last.number}


def series() -> Names:
    names = stored(builders.ct_slice())
    return {**names, "row": str(Series.objects.get(uid=names["series"]).id)}


def patient() -> Names:
    names = stored(builders.ct_slice())
    return {**names, "patient": str(Patient.objects.get(studies__uid=names["study"]).id)}


def key_left() -> Names:
    """A key that its study has replaced, with nothing left under it."""
    names = stored(builders.ct_slice())
    rekeying.rekey(shell(), names["study"])
    return {**names, "leaving": str(StudyKey.objects.get(scope="leaving", subject=names["study"]).id)}
