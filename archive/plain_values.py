"""Values that need no parser: ASCII text, decimal strings and binary numbers, as most elements of a header have them.

What is said here of an element is what the parser says of it; of everything out of the ordinary nothing is said.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from math import isfinite
from struct import Struct
from typing import Any, Final

_TEXT: Final = re.compile(rb"[!-\[\]-~](?:[ -\[\]-~]*[!-\[\]-~])?[ \0]?")
"""Printable ASCII without the backslash that separates values, no blank before it and one to pad it at most."""

_UID: Final = re.compile(rb"[0-9.]+\0?")
_DECIMAL: Final = re.compile(rb"[+-]?[0-9]{1,14}(?:\.[0-9]{1,14})?(?:[eE][+-]?[0-9]{1,2})?")
_INTEGER: Final = re.compile(rb"-?[0-9]{1,9}")
_NUMBERS: Final = {"US": "H", "SS": "h", "UL": "I", "SL": "i", "FL": "f", "FD": "d"}
_MOST: Final = 1024

Value = str | int | float


def values(vr: str | None, data: bytes | None, *, little: bool) -> list[Value] | None:
    """The values of one element in its explicit VR, as DICOM JSON has them; None where the parser must say."""
    read = _READERS.get(vr or "")
    return read(data, little) if read is not None and data and len(data) <= _MOST else None


def _text(data: bytes, little: bool) -> list[Value] | None:
    return [data.rstrip(b" \0").decode("ascii")] if _TEXT.fullmatch(data) else None


def _uid(data: bytes, little: bool) -> list[Value] | None:
    return [data.rstrip(b"\0").decode("ascii")] if _UID.fullmatch(data) else None


def _decimal(data: bytes, little: bool) -> list[Value] | None:
    parts = data.rstrip(b" ").split(b"\\")
    return [float(part) for part in parts] if all(map(_DECIMAL.fullmatch, parts)) else None


def _integer(data: bytes, little: bool) -> list[Value] | None:
    parts = data.rstrip(b" ").split(b"\\")
    return [int(part) for part in parts] if all(map(_INTEGER.fullmatch, parts)) else None


def _number(letter: str) -> Callable[[bytes, bool], list[Value] | None]:
    def read(data: bytes, little: bool) -> list[Value] | None:
        if len(data) % Struct(letter).size:
            return None
        numbers = _unpacker(letter, len(data), little).unpack(data)
        return list(numbers) if all(map(isfinite, numbers)) else None

    return read


@lru_cache(maxsize=256)
def _unpacker(letter: str, length: int, little: bool) -> Struct:
    return Struct(f"{'<' if little else '>'}{length // Struct('=' + letter).size}{letter}")


_READERS: Final[dict[str, Callable[[bytes, bool], list[Value] | None]]] = {
    **dict.fromkeys(("CS", "SH", "LO", "AS", "DA", "TM", "DT"), _text),
    "UI": _uid,
    "DS": _decimal,
    "IS": _integer,
    **{vr: _number(letter) for vr, letter in _NUMBERS.items()},
}


def as_json(vr: str | None, data: bytes | None, *, little: bool) -> dict[str, Any] | None:
    """The whole element as DICOM JSON, or None."""
    found = values(vr, data, little=little)
    return None if found is None else {"vr": vr, "Value": found}
