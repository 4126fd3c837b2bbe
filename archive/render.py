"""Pixels decoded in a process of its own, with bounded memory and time: bytes go in, bytes come out.

One worker stays warm in each serving process; it is started without any of our environment and killed when it takes
too long. What a hostile image does to it, it does to it alone.
"""

import atexit
import fcntl
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

from archive.dataset.uids import Encoding
from archive.errors import Damaged, Unavailable, Undecodable

PROGRAM: Final = "import sys; sys.path.append(sys.argv[1]); from archive.rendering import worker; worker.main()"
PLACE: Final = Path(__file__).resolve().parent.parent
SECONDS: Final = 20.0
WAIT_SECONDS: Final = 30.0
MOST_BYTES: Final = 2 << 30
PIPE: Final = 1 << 20
_UNDECODABLE: Final = {
    "too big": "The image is too large to be decoded here.",
    "unsupported": "This kind of compression cannot be decoded here.",
}

# What the plug-ins decode; video and what nobody knows stay as they are.
DECODABLE: Final = frozenset(
    {
        "1.2.840.10008.1.2",
        "1.2.840.10008.1.2.1",
        "1.2.840.10008.1.2.2",
        "1.2.840.10008.1.2.1.99",
        "1.2.840.10008.1.2.5",
        "1.2.840.10008.1.2.8.1",
        *(f"1.2.840.10008.1.2.4.{n}" for n in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203)),
    }
)


@dataclass(frozen=True, slots=True)
class Pixels:
    """One frame as stored, with the bytes of the data set before the pixels, and how that is written."""

    frame: bytes
    header: bytes
    encoding: Encoding
    transfer_syntax: str
    index: int = 0
    floating: bool = False

    def asked(self, operation: str, **more: Any) -> dict[str, Any]:
        return {
            "operation": operation,
            "syntax": self.transfer_syntax,
            "implicit": not self.encoding.explicit,
            "big": self.encoding.big,
            "frame": self.index,
            "float": self.floating,
            **more,
        }


@dataclass(frozen=True, slots=True)
class View:
    """How a picture is wanted (PS3.18 §8.3.5.1): the size it must fit in, the part of the image, window and quality."""

    media_type: str = "image/jpeg"
    viewport: tuple[int, int] | None = None
    region: tuple[int, int, int, int] | None = None
    window: tuple[float, float, str] | None = None
    quality: int = 90


def decoded(pixels: Pixels) -> bytes:
    """The frame as uncompressed little endian bytes, colour by pixel. Raises Damaged, Undecodable, Unavailable."""
    return _one(pixels.asked("decode"), [pixels.header, pixels.frame])


def picture(pixels: Pixels, view: View) -> bytes:
    """The frame as a JPEG or PNG. Raises Damaged, Undecodable, Unavailable."""
    more = {
        "media_type": view.media_type,
        "viewport": view.viewport,
        "region": view.region,
        "window": view.window,
        "quality": view.quality,
    }
    return _one(pixels.asked("picture", **more), [pixels.header, pixels.frame])


def explicit(part10: bytes) -> bytes:
    """A whole object rewritten in Explicit VR Little Endian, its pixels decoded."""
    return _one({"operation": "explicit"}, [part10])


def extracted(part10: bytes, indexes: list[int]) -> list[bytes]:
    """Frames (from 0) of an uncompressed object whose frames share bytes, each packed by itself."""
    return _worker.ask({"operation": "extract", "frames": indexes}, [part10])


def ready(after: float = 0.0) -> None:
    """Start the worker in so many seconds, beside whatever else goes on: the first image need not wait for it."""
    later = threading.Timer(after, _worker.start)
    later.daemon = True
    later.start()


def stop() -> None:
    """End the worker; the next image starts another."""
    _worker.stop()


def _one(asked: dict[str, Any], pieces: list[bytes]) -> bytes:
    (only,) = _worker.ask(asked, pieces)
    return only


class _Worker:
    """The warm process, used by one thread at a time."""

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.process: subprocess.Popen[bytes] | None = None

    def ask(self, asked: dict[str, Any], pieces: list[bytes]) -> list[bytes]:
        """One message and its answer. Raises Damaged where the image made the worker fail, Unavailable in a crowd."""
        if sum(map(len, pieces)) > MOST_BYTES:
            raise Undecodable("The object is too large to be decoded here.")
        if not self.turn.acquire(timeout=WAIT_SECONDS):
            raise Unavailable("Too many images are being decoded.")
        try:
            process = self._running()
            guard = threading.Timer(SECONDS, process.kill)
            guard.daemon = True
            guard.start()
            try:
                told, given = _exchange(process, asked, pieces)
            except (OSError, ValueError, EOFError):
                self._drop()
                raise Damaged("The image could not be decoded.") from None
            finally:
                guard.cancel()
        finally:
            self.turn.release()
        if told.get("failed") in _UNDECODABLE:
            raise Undecodable(_UNDECODABLE[told["failed"]])
        if "failed" in told:
            raise Damaged("The image could not be decoded.")
        return given

    def _running(self) -> subprocess.Popen[bytes]:
        if self.process is None or self.process.poll() is not None:
            self._drop()
            self.process = subprocess.Popen(  # Our own program, with nothing of ours in its environment.
                [sys.executable, "-I", "-W", "ignore", "-c", PROGRAM, str(PLACE)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env={"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"},
                cwd="/",
                start_new_session=True,
            )
            _widen(self.process.stdin)
        return self.process

    def _drop(self) -> None:
        process, self.process = self.process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue  # What could not be flushed was for a process that is gone.

    def start(self) -> None:
        with self.turn:
            self._running()

    def stop(self) -> None:
        with self.turn:
            self._drop()


def _widen(pipe: IO[bytes] | None) -> None:
    """Let a whole image fit into the pipe, so that the two programs need not take turns; where the system allows it."""
    if pipe is not None:
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, PIPE)


def _exchange(
    process: subprocess.Popen[bytes], asked: dict[str, Any], pieces: list[bytes]
) -> tuple[dict[str, Any], list[bytes]]:
    sink, source = process.stdin, process.stdout
    if sink is None or source is None:
        raise EOFError
    head = json.dumps({**asked, "lengths": [len(piece) for piece in pieces]}).encode()
    sink.write(len(head).to_bytes(4, "big") + head)
    for piece in pieces:
        sink.write(piece)
    sink.flush()
    told = json.loads(_exactly(source, int.from_bytes(_exactly(source, 4), "big")))
    lengths: list[int] = told.pop("lengths")
    if sum(lengths) > MOST_BYTES:
        raise EOFError
    return told, [_exactly(source, length) for length in lengths]


def _exactly(source: IO[bytes], length: int) -> bytes:
    data = source.read(length)
    if len(data) != length:
        raise EOFError
    return data


_worker = _Worker()


def _disown() -> None:
    """A forked child speaks to a worker of its own: two that share one would get each other's images."""
    global _worker
    _worker = _Worker()


os.register_at_fork(after_in_child=_disown)
atexit.register(stop)
