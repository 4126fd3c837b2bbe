"""SeaweedFS on loopback: a server of S3 that is nobody's mock, keeps bytes on a disk and verifies signatures."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests import services
from tests.archive import buckets
from tests.conftest import REQUIRED

PORTS = tuple(f"{part}.port{of}" for part in ("master", "volume", "filer", "s3") for of in ("", ".grpc"))
TRIES = 4


def program() -> str:
    """The path of `weed`, on the path or beside Python; the test is skipped, or fails, where there is none."""
    found = services.program("weed") or shutil.which("weed", path=str(Path(sys.executable).parent))
    if found is None:
        services.absent("seaweedfs", REQUIRED)
    assert found is not None
    return found


@contextmanager
def service(folder: Path) -> Iterator[int]:
    """Run the server in a folder of its own; yield its port once it lets a bucket be made.

    It knows whom the environment names by AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, and nobody else.
    """
    known = {"accessKey": os.environ["AWS_ACCESS_KEY_ID"], "secretKey": os.environ["AWS_SECRET_ACCESS_KEY"]}
    people = {"name": "custos", "credentials": [known], "actions": ["Admin", "Read", "Write", "List"]}
    (folder / "people.json").write_text(json.dumps({"identities": [people]}))
    process, port = _started(folder)
    try:
        yield port
    finally:
        process.kill()
        process.wait()


def _started(folder: Path) -> "tuple[subprocess.Popen[bytes], int]":
    """The server and its port. Somebody else may take one of its many ports first: then it is given others."""
    for _ in range(TRIES):
        ports = {name: buckets.free_port() for name in PORTS}
        options = [f"-{name}={port}" for name, port in ports.items()]
        options += [f"-dir={folder}", f"-s3.config={folder / 'people.json'}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"]
        options += [
            "-filer",
            "-s3",
            "-s3.port.iceberg=0",
            "-s3.port.lance=0",
            "-volume.max=0",
            "-master.volumeSizeLimitMB=64",
        ]
        with (folder / "log").open("wb") as log:
            command = [program(), "server", *options]
            process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
        if _up(process, ports["s3.port"]):
            return process, ports["s3.port"]
    raise AssertionError(f"the server does not come up: {(folder / 'log').read_bytes()[-2000:].decode()}")


def _up(process: "subprocess.Popen[bytes]", port: int) -> bool:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        with suppress(AssertionError):
            buckets.make(port, "first")
            return True
        time.sleep(0.2)
    process.kill()
    process.wait()
    return False
