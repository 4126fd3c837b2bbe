"""Comparing an object that was held back with the original, in a process of its own with bounded memory and time.

What a hostile image does to that process, it does to it alone: it has nothing of our environment, no files and no
keys, and is ended when it takes too long.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

PROGRAM: Final = "import sys; sys.path.append(sys.argv[1]); from archive.comparing import worker; worker.main()"
PLACE: Final = Path(__file__).resolve().parent.parent
SECONDS: Final = 90.0


@dataclass(frozen=True, slots=True)
class Attribute:
    """One attribute that differs. Values are text for people; a sequence is its number of items, bytes their length."""

    tag: str
    keyword: str
    name: str
    vr: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """What differs. `pixels` is none, same, differ or undecodable; `read` tells whether both could be read at all."""

    read: bool
    attributes: tuple[Attribute, ...]
    pixels: str

    @property
    def same(self) -> bool:
        """Whether the decoded content is equal."""
        return self.read and not self.attributes and self.pixels in ("none", "same")

    @property
    def reason(self) -> str:
        """Why the newcomer is not the same, in words for the index: no value of a data set."""
        if not self.read or self.pixels == "undecodable":
            return "The two images could not be decoded and compared."
        if self.pixels == "differ":
            return "The pixels differ."
        return f"{len(self.attributes)} attributes differ."


UNREADABLE: Final = Comparison(read=False, attributes=(), pixels="undecodable")


def compare(before: bytes, after: bytes) -> Comparison:
    """Compare two DICOM files; what cannot be read, is too large or takes too long is `UNREADABLE`."""
    told = b"".join(part for data in (before, after) for part in (len(data).to_bytes(8, "big"), data))
    try:
        done = subprocess.run(  # Our own program, with nothing of ours in its environment.
            [sys.executable, "-I", "-B", "-W", "ignore", "-c", PROGRAM, str(PLACE)],
            input=told,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
            cwd="/",
            timeout=SECONDS,
            check=True,
            start_new_session=True,
        )
        answer = json.loads(done.stdout)
        attributes = tuple(Attribute(**attribute) for attribute in answer["attributes"])
        return Comparison(answer["read"], attributes, answer["pixels"])
    except (subprocess.SubprocessError, OSError, ValueError, KeyError, TypeError):
        return UNREADABLE
