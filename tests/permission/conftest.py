"""The archive of the table, planted once for the tests of a module."""

from collections.abc import Callable, Iterator

import pytest
from pytest_django.plugin import DjangoDbBlocker

from tests import services
from tests.conftest import Installation, settled
from tests.permission.house import House


@pytest.fixture(scope="module")
def house(
    templates: Callable[[str], Installation],
    tmp_path_factory: pytest.TempPathFactory,
    django_db_blocker: DjangoDbBlocker,
) -> Iterator[House]:
    kind, root = services.default_database(), tmp_path_factory.mktemp("permission") / "custos"
    with settled(kind, templates(kind), root, django_db_blocker), House.open() as opened:
        yield opened
