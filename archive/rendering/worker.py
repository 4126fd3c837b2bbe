"""The loop of the decoding process: limits first, then one message after the other over the standard streams.

Each message is a length and JSON, followed by the pieces whose lengths the JSON names; so is each answer.
"""

import json
import resource
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, Final

from PIL import Image
from pydicom import config

from archive.rendering.decoding import Message, TooBig, decode, explicit, extract
from archive.rendering.pictures import picture

MEMORY: Final = 3 << 30
SECONDS: Final = 60

OPERATIONS: dict[str, Callable[[dict[str, Any], list[bytes]], Message]] = {
    "decode": decode,
    "explicit": explicit,
    "extract": extract,
    "picture": picture,
}


def _reason(error: Exception) -> str:
    if isinstance(error, (TooBig, MemoryError)):
        return "too big"
    return "unsupported" if isinstance(error, NotImplementedError) else "damaged"


def confine() -> None:
    """Give up what decoding does not need: more memory, more time, files, core dumps."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def _receive(stream: BinaryIO) -> Message | None:
    size = stream.read(4)
    if len(size) < 4:
        return None
    asked = json.loads(stream.read(int.from_bytes(size, "big")))
    return asked, [stream.read(length) for length in asked.pop("lengths")]


def _send(stream: BinaryIO, told: dict[str, Any], pieces: list[bytes]) -> None:
    head = json.dumps({**told, "lengths": [len(piece) for piece in pieces]}).encode()
    stream.write(len(head).to_bytes(4, "big") + head)
    for piece in pieces:
        stream.write(piece)
    stream.flush()


def main() -> None:
    """Answer one message after the other until the other side closes."""
    confine()
    config.settings.reading_validation_mode = config.IGNORE
    Image.MAX_IMAGE_PIXELS = None
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (message := _receive(source)) is not None:
        asked, pieces = message
        used = resource.getrusage(resource.RUSAGE_SELF)
        spent = int(used.ru_utime + used.ru_stime)
        resource.setrlimit(resource.RLIMIT_CPU, (spent + SECONDS, resource.RLIM_INFINITY))
        try:
            told, given = OPERATIONS[asked["operation"]](asked, pieces)
        except Exception as error:  # noqa: BLE001  Whatever a hostile image raises is an answer, in type alone.
            told, given = {"failed": _reason(error)}, []
        _send(sink, told, given)
        del message, asked, pieces, given
