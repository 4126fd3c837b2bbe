"""The search for what must be readable nowhere: words in every plain coding, in files and in processes."""

import base64
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

SMALLEST = 6  # shorter words occur by chance
INFLATED_LIMIT = 1 << 22


def needles(word: str) -> list[bytes]:
    """The word as it looks in lower-cased content: UTF-8, UTF-16, hexadecimal, and base64 at each alignment."""
    low = word.lower()
    found = [low.encode(), low.encode("utf-16-le"), low.encode("utf-16-be")]
    for spelling in (word, low, word.upper()):
        raw = spelling.encode()
        found.append(raw.hex().encode())
        for shift in range(3):
            coded = base64.b64encode(b"\0" * shift + raw)
            # The first and last letters of base64 depend on the neighbours, so only the sure middle is looked for.
            found.append(coded[(0, 2, 3)[shift] : len(coded) - 4].lower())
    return list(dict.fromkeys(found))


def readable(content: bytes, words: Iterable[str]) -> set[str]:
    """Which words can be read in the content, as it stands or inflated."""
    lowered = [layer.lower() for layer in layers(content)]
    wanted = {word: needles(word) for word in words if len(word) >= SMALLEST}
    return {word for word, forms in wanted.items() if any(form in layer for layer in lowered for form in forms)}


def layers(content: bytes) -> list[bytes]:
    """The content as it stands, and each stream in it that can be inflated."""
    return [content, *_inflated(content)]


def _inflated(content: bytes) -> Iterator[bytes]:
    for magic, window in ((b"\x78\x01", 15), (b"\x78\x9c", 15), (b"\x78\xda", 15), (b"\x1f\x8b\x08", 31)):
        start = content.find(magic)
        while start >= 0:
            # Two bytes may look like the beginning of a stream by chance.
            with suppress(zlib.error):
                yield zlib.decompressobj(window).decompress(content[start : start + INFLATED_LIMIT], INFLATED_LIMIT)
            start = content.find(magic, start + 1)


def changed_since(moment: float, place: Path, without: Path) -> list[Path]:
    """Files below a shared folder that were written after the moment, leaving out what the test itself wrote."""
    found = []
    for folder, below, names in os.walk(place):  # which passes over what others remove meanwhile
        below[:] = [name for name in below if Path(folder, name) != without]
        for path in (Path(folder, name) for name in names):
            with suppress(OSError):
                if path.is_file() and path.stat().st_mtime >= moment:
                    found.append(path)
    return found


def sweep(words: Iterable[str], places: Iterable[Path], pids: Iterable[int] = ()) -> list[str]:
    """Return a line for each word found below the places, or in the command line or environment of a process."""
    listed = list(words)
    files = [path for place in places for path in ([place] if place.is_file() else place.rglob("*")) if path.is_file()]
    files += [Path(f"/proc/{pid}/{name}") for pid in pids for name in ("cmdline", "environ")]
    found = []
    for path in files:
        try:
            content = path.read_bytes()
        except OSError:
            continue
        found += [f"{word} in {path}" for word in sorted(readable(content, listed))]
    return found
