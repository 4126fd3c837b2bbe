"""What an installation keeps, by the name of the place: its files, and the rows of its tables."""

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from django.db import connection

from tests.conftest import Installation
from tests.e2e.sweep import layers, readable

Within = Callable[[str], bool]


@dataclass(frozen=True)
class Needle:
    """Bytes that must stand nowhere, or in no place of which `within` is true."""

    what: str
    forms: tuple[bytes, ...]
    within: Within = lambda _place: True


def kept(place: Installation) -> dict[str, bytes]:
    """The content of every file but the root keys, and of every table."""
    files = {
        str(path.relative_to(place.root)): path.read_bytes()
        for path in place.root.rglob("*")
        if path.is_file() and path.suffix != ".key"
    }
    with connection.cursor() as cursor:
        tables = {}
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f'SELECT * FROM "{table}"')
            tables[f"table {table}"] = b"\n".join(_raw(value) for row in cursor.fetchall() for value in row)
    return {**files, **tables}


def _raw(value: object) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def secret(value: bytes) -> tuple[bytes, ...]:
    """A key as it is, in hexadecimal and in base 64, as a careless writer would put it down."""
    return (value, value.hex().encode(), base64.b64encode(value).rstrip(b"="), base64.b32encode(value).rstrip(b"="))


def found(places: dict[str, bytes], words: Iterable[str], needles: Iterable[Needle]) -> list[str]:
    """A line for each word and each needle that can be read somewhere it must not be."""
    listed, sought = list(words), list(needles)
    lines = []
    for place, content in places.items():
        lines += [f"{word} in {place}" for word in sorted(readable(content, listed))]
        lines += [
            f"{needle.what} in {place}"
            for needle in sought
            if needle.within(place) and any(form in layer for layer in layers(content) for form in needle.forms)
        ]
    return lines
