"""The people, devices and installations that the tests live with.

`installation` is a whole small archive: its own data directory, root key and migrated database, with real commits and
room for threads. It is copied from a template made once, so a fresh one costs milliseconds.
"""

import importlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connections
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker

from tests import services

PASSWORD = "correct horse battery staple"
REQUIRED = frozenset(filter(None, os.environ.get("PACS_TEST_REQUIRE", "").split(",")))

# Who keeps state in the process, and how it is dropped between two installations.
STATEFUL = (
    ("archive.ingest", "stop"),
    ("archive.packs", "forget"),
    ("archive.keys", "forget"),
    ("audit.journal", "stop"),
    ("audit.pulse", "stop"),
    ("audit.leases", "forget"),
    ("audit.refusals", "forget"),
    ("audit.upkeep", "forget"),
    ("archive.nightly", "forget"),
    ("accounts.enrolment", "forget"),
    ("accounts.refused_devices", "forget"),
    ("accounts.callers", "forget"),
    ("accounts.glass_reviews", "forget"),
    ("accounts.equipment", "forget"),
    ("archive.senders", "forget"),
    ("archive.rebuilding.settling", "forget"),
    ("accounts.epoch", "stop"),
    ("accounts.identify", "forget"),
    ("accounts.standing", "forget"),
    ("accounts.scope", "forget"),
    ("archive.render", "stop"),
    ("archive.jobs", "forget"),
    ("accounts.standing", "forget"),
    ("keystore.keys", "forget"),
    ("keystore.roots", "forget"),
)


@dataclass(frozen=True)
class Installation:
    """Where one archive lives; `environment` starts programs of ours on it."""

    root: Path
    database_url: str

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("PACS_")},
            "PACS_DATA_DIR": str(self.data),
            "PACS_KEK_URL": f"file:{self.root / 'root.key'}",
            "PACS_ANCHORS": f"file:{self.root / 'anchors'}",
            "PACS_DATABASE_URL": self.database_url,
            "DJANGO_SETTINGS_MODULE": "pacs.settings",
        }


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database_kind" in metafunc.fixturenames:
        marked = metafunc.definition.get_closest_marker
        both = marked("both_databases") and not marked("one_database")
        only = marked("postgres")
        kinds = ["sqlite", "postgres"] if both else ["postgres"] if only else [services.default_database()]
        metafunc.parametrize("database_kind", kinds, indirect=True)


@pytest.fixture
def database_kind(request: pytest.FixtureRequest) -> str:
    kind: str = request.param
    if kind == "postgres" and not services.postgres_answers():
        services.absent("postgres", REQUIRED)
    return kind


def _point_at(place: Installation) -> None:
    """Let this process work on another installation."""
    for alias in connections:
        connections[alias].close()
    from pacs.databases import database

    chosen = {**database(place.database_url, root=place.root), "ATOMIC_REQUESTS": False, "CONN_MAX_AGE": 0}
    connections.settings["default"] = connections.configure_settings({"default": chosen})["default"]
    del connections["default"]
    django_settings.PACS_DATA_DIR = place.data
    django_settings.PACS_KEK_URL = f"file:{place.root / 'root.key'}"
    django_settings.PACS_SECRETS_DIR = place.root
    django_settings.PACS_BLOB_URL = f"file:{place.data / 'packs'}"
    django_settings.PACS_ANCHORS = (f"file:{place.root / 'anchors'}",)
    django_settings.PACS_DATABASE_URL = place.database_url


def forget_everything() -> None:
    """End what runs in this process and drop what it remembers of an installation, and the last reader's language."""
    translation.deactivate()
    for module, act in STATEFUL:
        try:
            found = getattr(importlib.import_module(module), act, None)  # noqa: TID251
        except ModuleNotFoundError:
            continue
        if found is not None:
            found()


@pytest.fixture(scope="session")
def templates(
    tmp_path_factory: pytest.TempPathFactory, django_db_blocker: DjangoDbBlocker
) -> Iterator[Callable[[str], Installation]]:
    """One migrated installation with the people in it for each kind of database, made at first need."""
    made: dict[str, Installation] = {}

    def template(kind: str) -> Installation:
        if kind not in made:
            root = tmp_path_factory.mktemp(f"template-{kind}")
            url = (
                f"sqlite:{root / 'data' / 'index.sqlite3'}"
                if kind == "sqlite"
                else services.create_database("template")
            )
            made[kind] = Installation(root, url)
            with django_db_blocker.unblock():
                _build(made[kind])
        return made[kind]

    yield template
    if "postgres" in made:
        services.drop_database(made["postgres"].database_url)


def _build(place: Installation) -> None:
    from keystore import keys, roots
    from tests import people

    place.data.mkdir(mode=0o700)
    (place.root / "anchors").mkdir()
    roots.create_file(place.root / "root.key")
    forget_everything()
    _point_at(place)
    call_command("migrate", verbosity=0)
    keys.initialise()
    people.settle(PASSWORD)
    forget_everything()
    connections["default"].close()


@contextmanager
def settled(kind: str, template: Installation, root: Path, blocker: DjangoDbBlocker) -> Iterator[Installation]:
    """A copy of the template, on which the process works meanwhile."""
    forget_everything()
    connections["default"].close()
    shutil.copytree(template.root, root)
    if kind == "sqlite":
        url = f"sqlite:{root / 'data' / 'index.sqlite3'}"
    else:
        url = services.create_database("fresh", template.database_url)
    place = Installation(root, url)
    with blocker.unblock():
        _point_at(place)
        yield place
        forget_everything()
        for alias in connections:
            connections[alias].close()
    if kind == "postgres":
        services.drop_database(url)


@pytest.fixture
def installation(
    database_kind: str, templates: Callable[[str], Installation], tmp_path: Path, django_db_blocker: DjangoDbBlocker
) -> Iterator[Installation]:
    """A fresh archive for one test; the process works on it until the test ends."""
    with settled(database_kind, templates(database_kind), tmp_path / "custos", django_db_blocker) as place:
        yield place


@pytest.fixture
def radiologist(installation: Installation) -> Any:
    """Reads studies of the group Radiology."""
    return _person("radiologist")


@pytest.fixture
def technologist(installation: Installation) -> Any:
    """Sees that studies of Radiology arrived, and decides about what was held back."""
    return _person("technologist")


@pytest.fixture
def administrator(installation: Installation) -> Any:
    return _person("administrator")


@pytest.fixture
def privacy_officer(installation: Installation) -> Any:
    return _person("privacy")


@pytest.fixture
def outsider(installation: Installation) -> Any:
    """A clinician of another group: must see nothing of Radiology."""
    return _person("outsider")


def _person(username: str) -> Any:
    from accounts.models import Person

    return Person.objects.get(username=username)


@pytest.fixture
def modality(installation: Installation) -> Any:
    """A CT of the group Radiology that may store, at 127.0.0.1 as `CT_ONE`."""
    from accounts.models import Device

    return Device.objects.get(ae_title="CT_ONE")


@pytest.fixture
def actor_of(installation: Installation) -> Callable[[Any], Any]:
    """Turn a person or a device into the verified actor that services take."""
    from tests import people

    return people.actor


@pytest.fixture(scope="session")
def sample_data() -> Path:
    """Real DICOM files of public projects; the test is skipped with a clear line where they are absent."""
    place = Path(django_settings.PACS_TEST_DATA)
    if not (place / "MANIFEST.tsv").exists():
        pytest.skip(f"no sample files at PACS_TEST_DATA ({place})")
    return place
