"""The sweep itself must be able to find what it looks for, or an empty result proves nothing."""

import base64
import gzip
import zlib
from pathlib import Path

import pytest

from tests import builders
from tests.e2e.sweep import sweep

WORD = builders.word()
CODINGS = {
    "as it is": WORD.encode(),
    "in lower case": WORD.lower().encode(),
    "as UTF-16": WORD.encode("utf-16-le"),
    "as big-endian UTF-16": WORD.encode("utf-16-be"),
    "as hexadecimal": WORD.encode().hex().upper().encode(),
    "as base64": base64.b64encode(b"x" + WORD.encode() + b"yz"),
    "as base64, shifted": base64.b64encode(b"xy" + WORD.encode() + b"z"),
    "as base64, aligned": base64.b64encode(WORD.encode() + b"tail"),
    "deflated": zlib.compress(b"a" * 100 + WORD.encode()),
    "gzipped": gzip.compress(WORD.encode() * 3),
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_planted_word_is_found(coding: str, tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "file.bin").write_bytes(b"\0\x78\x9cnoise" + CODINGS[coding] + b"more noise")

    assert sweep([WORD], [tmp_path])


def test_a_clean_folder_is_clean(tmp_path: Path) -> None:
    (tmp_path / "file.bin").write_bytes(b"nothing to see" * 100)

    assert sweep([WORD], [tmp_path]) == []
