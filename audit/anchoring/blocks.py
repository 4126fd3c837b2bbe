"""How signed notes stand one after another in a text: each a block of lines, an empty line, a block of signatures."""

from collections.abc import Iterable, Iterator
from itertools import chain

_SIGNATURE = "\N{EM DASH} "


def notes(lines: Iterable[str]) -> Iterator[str]:
    """The whole notes among lines that keep their ends; what was half written is passed over."""
    text, block = "", ""
    for line in chain(lines, ["\n"]):
        if line != "\n":
            block += line
            continue
        if block.startswith(_SIGNATURE) and text:
            yield f"{text}\n{block}"
            text = ""
        elif block:
            text = block
        block = ""


def dashed(origin: str) -> str:
    """An origin as the name of a file or folder: dashes for slashes."""
    return origin.replace("/", "-")
