"""A program that stores: run in a process of its own, so that it can be watched, killed and started again.

Reads objects as `u32 length || file` from standard input and writes a line for each that was acknowledged.
"""

import os
import sys

import django


def main(threads: int) -> None:
    django.setup()
    from concurrent.futures import ThreadPoolExecutor

    from accounts.models import Device
    from archive import ingest
    from tests import people

    actor = people.actor(Device.objects.get(ae_title="CT_ONE"))

    def one(data: bytes) -> None:
        stored = ingest.store(actor, data)
        # One write a line, so that a kill never leaves half of one.
        os.write(1, f"{stored.status} {stored.sop_uid}\n".encode())

    objects = []
    while length := sys.stdin.buffer.read(4):
        objects.append(sys.stdin.buffer.read(int.from_bytes(length, "big")))
    os.write(1, b"ready\n")
    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, objects):
            pass
    ingest.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]))
