"""The real services that tests talk to where they are present, and what happens where they are not."""

import os
import shutil
import socket
from functools import cache
from typing import NoReturn
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg2
import pytest

POSTGRES = os.environ.get("PACS_TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("PACS_TEST_REDIS_URL", "redis://127.0.0.1:6379/9")


def default_database() -> str:
    """Which database the suite runs on unless a test says otherwise (PACS_TEST_DATABASE)."""
    return os.environ.get("PACS_TEST_DATABASE", "sqlite")


def absent(service: str, required: frozenset[str]) -> NoReturn:
    """Skip the test, or fail it where PACS_TEST_REQUIRE names the service."""
    if service in required:
        pytest.fail(f"{service} is required by PACS_TEST_REQUIRE and is not here")
    pytest.skip(f"{service} is not here")


@cache
def postgres_answers() -> bool:
    try:
        psycopg2.connect(POSTGRES, connect_timeout=3).close()
    except psycopg2.OperationalError:
        return False
    return True


@cache
def redis_answers() -> bool:
    parts = urlsplit(REDIS)
    try:
        socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=3).close()
    except OSError:
        return False
    return True


def program(name: str) -> str | None:
    """The path of an installed program, or None."""
    return shutil.which(name)


def _execute(statement: str) -> None:
    connection = psycopg2.connect(POSTGRES)
    connection.autocommit = True
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    finally:
        connection.close()


def create_database(purpose: str, template_url: str = "") -> str:
    """Create a database of our own, copied from another if named; return its URL."""
    name = f"custos_test_{purpose}_{uuid4().hex[:12]}"
    copied = f' TEMPLATE "{urlsplit(template_url).path[1:]}"' if template_url else ""
    _execute(f'CREATE DATABASE "{name}"{copied}')
    return urlsplit(POSTGRES)._replace(path=f"/{name}").geturl()


def drop_database(url: str) -> None:
    _execute(f'DROP DATABASE IF EXISTS "{urlsplit(url).path[1:]}" WITH (FORCE)')
