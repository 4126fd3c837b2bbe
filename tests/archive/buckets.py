"""A bucket on loopback, in a process of its own, and a proxy before it that does what lines and services do to people.

A fault is named for the next request of a method; see `Proxy.fail`.
"""

import http.client
import socket
import struct
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from threading import Event, Thread
from typing import Any, BinaryIO

from botocore.exceptions import BotoCoreError, ClientError

from audit import s3

BUSY = b"<Error><Code>SlowDown</Code><Message>later</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>no</Message></Error>"
ANSWERS = {"busy": (503, "Slow Down", BUSY), "denied": (403, "Forbidden", DENIED)}


def free_port() -> int:
    with closing(socket.socket()) as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port


@contextmanager
def service() -> Iterator[int]:
    """Run the service; yield its port."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 60
        while True:
            with suppress(OSError):
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            assert process.poll() is None
            assert time.monotonic() < until, "the service does not come up"
            time.sleep(0.1)
        yield port
    finally:
        process.kill()
        process.wait()


def make(port: int, bucket: str) -> None:
    """Make an empty bucket."""
    client: Any = s3.connect(f"http://127.0.0.1:{port}", "us-east-1")
    try:
        client.create_bucket(Bucket=bucket)
    except (BotoCoreError, ClientError) as error:
        raise AssertionError("no bucket") from error
    finally:
        client.close()


@dataclass
class Proxy:
    """Passes requests on, one thread a connection, except for what was planned."""

    upstream: int
    port: int = 0
    seen: list[str] = field(default_factory=list)
    plan: deque[tuple[str, str]] = field(default_factory=deque)
    ended: Event = field(default_factory=Event)

    def fail(self, method: str, fault: str, times: int = 1) -> None:
        """Let the next requests of a method meet a fault.

        busy, denied: an answer of that kind. late: a slow answer. silent: none at all. trickle: the body is taken very
        slowly. cut-body: gone in the middle of the request. lost-answer: done, but nobody is told. cut-answer: gone in
        the middle of the answer. flip: one bit arrives changed. no-range: the whole instead of a part.
        """
        self.plan.extend([(method, fault)] * times)

    def run(self, listener: socket.socket) -> None:
        while not self.ended.is_set():
            with suppress(TimeoutError):
                client, _ = listener.accept()
                Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        client.settimeout(30)
        with client, client.makefile("rb") as reader, suppress(OSError, http.client.HTTPException):
            while line := reader.readline():
                method, path, _ = line.decode().split()
                headers = http.client.parse_headers(reader)
                fault = ""
                if self.plan and self.plan[0][0] == method:
                    fault = self.plan.popleft()[1]
                self.seen.append(method)
                if headers.get("Expect"):
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                size = int(headers.get("Content-Length", "0"))
                body = _taken(reader, size, fault)
                if fault == "silent":
                    self.ended.wait(20)
                if fault in ("cut-body", "silent", "trickle"):
                    _slam(client)
                    return
                if not self._answered(client, method, path, headers, body, fault):
                    _slam(client)
                    return

    def _answered(
        self, client: socket.socket, method: str, path: str, headers: http.client.HTTPMessage, body: bytes, fault: str
    ) -> bool:
        if fault in ANSWERS:
            status, reason, data = ANSWERS[fault]
            client.sendall(f"HTTP/1.1 {status} {reason}\r\nContent-Length: {len(data)}\r\n\r\n".encode() + data)
            return True
        if fault == "flip":
            body = bytes([body[0] ^ 1]) + body[1:]
        if fault == "no-range":
            del headers["Range"]
        if fault == "late":
            time.sleep(0.7)
        head, data = self._passed_on(method, path, headers, body)
        if fault == "lost-answer":
            return False
        client.sendall(head + (data[: len(data) // 2] if fault == "cut-answer" else data))
        return fault != "cut-answer"

    def _passed_on(self, method: str, path: str, headers: http.client.HTTPMessage, body: bytes) -> tuple[bytes, bytes]:
        with closing(http.client.HTTPConnection("127.0.0.1", self.upstream, timeout=30)) as line:
            line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in headers.items():
                if name.lower() not in ("expect", "connection"):
                    line.putheader(name, value)
            line.endheaders(body)
            answer = line.getresponse()
            data = answer.read()
            kept = [(n, v) for n, v in answer.getheaders() if n.lower() not in ("connection", "transfer-encoding")]
            if not any(name.lower() == "content-length" for name, _ in kept) and answer.status != 204:
                kept.append(("Content-Length", str(len(data))))
            lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {value}" for name, value in kept)]
            return "\r\n".join([*lines, "", ""]).encode(), data


def _taken(reader: BinaryIO, size: int, fault: str) -> bytes:
    if fault == "cut-body":
        return reader.read(size // 2)
    if fault == "trickle":
        # Steadily, so that no single write waits long.
        for _ in range(300):
            if len(reader.read(min(65536, size))) < 65536:
                break
            time.sleep(0.1)
        return b""
    return reader.read(size)


def _slam(client: socket.socket) -> None:
    """Close with a reset, as a machine that was switched off."""
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


@contextmanager
def proxy(upstream: int) -> Iterator[Proxy]:
    """A proxy before the service; a connection that is refused from the end on."""
    with closing(socket.socket()) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        listener.bind(("127.0.0.1", 0))
        listener.listen(64)
        listener.settimeout(0.2)
        made = Proxy(upstream, listener.getsockname()[1])
        thread = Thread(target=made.run, args=(listener,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            made.ended.set()
            thread.join()
