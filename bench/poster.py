"""``python -m bench.poster PLAN``: one program that stores by STOW-RS from memory, so that the server is measured.

The plan is JSON: host, port, headers, run, each (instances in a request), files. It answers ``ready`` when every body
is encoded and the connection stands, sends at ``go`` on that one connection, and tells the seconds that took.
"""

import json
import socket
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from time import perf_counter
from typing import Any, Final

from bench.objects import renewed

BOUNDARY: Final = "custos-bench-5d0f3c6a"
MOST: Final = 1 << 20


def main(plan: dict[str, Any]) -> None:
    """Send what the plan says, at the word of who started this."""
    objects = [renewed(Path(name).read_bytes(), int(plan["run"])) for name in plan["files"]]
    head = {"Host": f"{plan['host']}:{plan['port']}", **plan["headers"]}
    requests = [b"".join(one) for one in encoded(objects, int(plan["each"]), head)]
    wire = socket.create_connection((plan["host"], plan["port"]))
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    wire.settimeout(120)
    print("ready", flush=True)
    if sys.stdin.readline().strip() == "go":
        began = perf_counter()
        for request in requests:
            wire.sendall(request)
            require_stored(*answer(wire))
        print(perf_counter() - began, flush=True)
    wire.close()


def encoded(objects: Sequence[bytes], each: int, headers: Mapping[str, str]) -> Iterator[tuple[bytes, bytes]]:
    """Head and body of each request (PS3.18 §10.5): so many instances in it."""
    told = {
        **headers,
        "Content-Type": f'multipart/related; type="application/dicom"; boundary={BOUNDARY}',
        "Accept": "application/dicom+json",
    }
    for at in range(0, len(objects), each):
        parts = (
            b"--%s\r\nContent-Type: application/dicom\r\n\r\n%s\r\n" % (BOUNDARY.encode(), one)
            for one in objects[at : at + each]
        )
        body = b"".join([*parts, f"--{BOUNDARY}--\r\n".encode()])
        lines = [f"{name}: {value}" for name, value in {**told, "Content-Length": str(len(body))}.items()]
        yield "\r\n".join(["POST /dicom-web/studies HTTP/1.1", *lines, "", ""]).encode("ascii"), body


def answer(wire: socket.socket) -> tuple[int, bytes]:
    """Status and body of one answer on a connection that goes on. Raises ValueError for one that tells no length."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(wire)
    head, _, body = data.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    named = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(named.get("content-length", "x"))
    while len(body) < length:
        body += _more(wire)
    return int(status.split()[1]), body


def require_stored(status: int, body: bytes) -> None:
    """End the program unless every instance of a request was stored (PS3.18 §10.5.3)."""
    told = json.loads(body) if body else {}
    if status != 200 or told.get("00081198", {}).get("Value"):
        raise SystemExit(f"a request was answered {status}: {body[:300]!r}")


def _more(wire: socket.socket) -> bytes:
    more = wire.recv(MOST)
    if not more:
        raise SystemExit("the server hung up")
    return more


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
