"""Whole archives, set up by the commands an operator would type, and the clients that talk to them."""

import gc
import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests import services
from tests.conftest import REQUIRED
from tests.e2e.chromium import Clinic, launched
from tests.e2e.running import ROOT, Archive, running


@dataclass(frozen=True)
class Login:
    """Working factors of one person, as `person add --json` printed them."""

    username: str
    password: str
    totp_uri: str
    token: str


@dataclass(frozen=True)
class SetUp:
    root: Path
    logins: dict[str, Login]
    extra: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> SetUp:
    """An installation on SQLite with people and devices, made once and copied by each archive."""
    archive = Archive(tmp_path_factory.mktemp("prepared"))
    (archive.root / "tmp").mkdir()
    archive.manage("setup")
    return SetUp(archive.root, populate(archive))


def populate(archive: Archive, *more: str) -> dict[str, Login]:
    """Groups, people with factors and tokens, and two devices: one sends for Radiology, one for Cardiology."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.e2e.populating", *more],
        cwd=ROOT,
        env={**archive.environment, "DJANGO_SETTINGS_MODULE": "pacs.settings"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=120,
    )
    return {name: Login(**login) for name, login in json.loads(done.stdout).items()}


@pytest.fixture(scope="session")
def prepared_large(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SetUp]:
    """The same on Postgres, with Redis as the broker."""
    for service, answers in (("postgres", services.postgres_answers()), ("redis", services.redis_answers())):
        if not answers:
            services.absent(service, REQUIRED)
    url = services.create_database("prepared")
    archive = Archive(
        tmp_path_factory.mktemp("prepared-large"), {"PACS_DATABASE_URL": url, "PACS_REDIS_URL": services.REDIS}
    )
    (archive.root / "tmp").mkdir()
    archive.manage("setup")
    yield SetUp(archive.root, populate(archive), archive.extra)
    services.drop_database(url)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Programs are driven from outside here, and killed: a client's socket that breaks then is nobody's defect.

    A test of this folder that fails is run once more, visibly ("R"): a machine without a free core for seconds looks
    like a program that hangs.
    """
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"))
            item.add_marker(pytest.mark.flaky(reruns=1))


@pytest.fixture(autouse=True)
def nothing_left_to_the_collector() -> Iterator[None]:
    """What a killed program left half open is collected with the test that killed it, not with a later one."""
    yield
    gc.collect()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "site" in metafunc.fixturenames:
        both = metafunc.definition.get_closest_marker("both_sizes")
        metafunc.parametrize("site", ["small", "large"] if both else ["small"], indirect=True)


@pytest.fixture
def site(request: pytest.FixtureRequest) -> SetUp:
    """What an archive is copied from: the small installation, or the large one too with the mark `both_sizes`."""
    wanted: SetUp = request.getfixturevalue("prepared_large" if request.param == "large" else "prepared")
    return wanted


@pytest.fixture
def archive(site: SetUp, tmp_path: Path) -> Iterator[Archive]:
    """A running archive of this test's own."""
    root, extra = tmp_path / "custos", dict(site.extra)
    shutil.copytree(site.root, root)
    if extra:
        extra["PACS_DATABASE_URL"] = services.create_database("running", extra["PACS_DATABASE_URL"])
    try:
        with running(Archive(root, extra)) as started:
            yield started
    finally:
        if extra:
            services.drop_database(extra["PACS_DATABASE_URL"])


@pytest.fixture
def logins(site: SetUp) -> dict[str, Login]:
    return site.logins


@pytest.fixture(scope="session")
def dcmtk() -> Callable[[str], str]:
    """The path of a DCMTK program; its sockets answer without Nagle's delay."""
    os.environ["TCP_NODELAY"] = "1"

    def path(name: str) -> str:
        found = services.program(name)
        if found is None:
            services.absent("dcmtk", REQUIRED)
        assert found is not None
        return found

    return path


# Playwright keeps an event loop in this thread, and Django's tables refuse to be used beside one: the browser therefore
# lives no longer than the tests of this folder, which drive programs from outside.
@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests; each person gets a context of their own."""
    with launched() as browser:
        yield browser


@pytest.fixture(scope="package")
def shared_clinic(prepared: SetUp, chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clinic]:
    """One archive for all tests with a browser: starting takes longer than most, and each brings its own studies."""
    root = tmp_path_factory.mktemp("clinic") / "custos"
    shutil.copytree(prepared.root, root)
    with running(Archive(root)) as started:
        yield Clinic(started, chromium, prepared.logins)


Newcomers = Callable[..., str]
Hire = Callable[[str], Page]
MANY, FEW = 6, 2


@pytest.fixture(scope="package")
def pool(shared_clinic: Clinic) -> Newcomers:
    """Gives out people whom no test has met yet, several made by one start of the program.

    A code of a person is used once and there are three within half a minute: people who are shared wait for codes.
    """
    waiting: dict[tuple[str, str], list[str]] = {}

    def give(role: str = "clinician", group: str = "Radiology") -> str:
        left = waiting.setdefault((role, group), [])
        if not left:
            names = [f"{role.replace(' ', '.')}-{secrets.token_hex(4)}" for _ in range(MANY if group else FEW)]
            shared_clinic.logins |= populate(shared_clinic.archive, "newcomers", role, group, *names)
            left += names
        return left.pop()

    return give


@pytest.fixture
def newcomer(pool: Newcomers, clinic: Clinic) -> Newcomers:
    """Gives the name of somebody new, by role and group; works in the archive of `clinic`."""
    return pool


@pytest.fixture
def hired(clinic: Clinic, newcomer: Newcomers) -> Hire:
    """Signs somebody new in who holds a role and is in no group; returns the page."""

    def enter(role: str) -> Page:
        page = clinic.stranger()
        clinic.enter(page, newcomer(role, ""))
        return page

    return enter


@pytest.fixture
def clinic(shared_clinic: Clinic) -> Iterator[Clinic]:
    """The shared archive; what this test opens is closed when it ends."""
    yield shared_clinic
    shared_clinic.tidy()
