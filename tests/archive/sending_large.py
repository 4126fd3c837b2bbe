"""A program in which a large object arrives, made as it comes: to be watched from outside, or killed half way.

Writes a line at each station (ready, half, what became of it) and goes on when it is told to.
"""

import os
import sys

import django


def main(size: int) -> None:
    django.setup()
    from accounts.models import Device
    from archive import ingest
    from archive.arriving import Arrival
    from archive.room import Share
    from tests import builders, people

    actor = people.actor(Device.objects.get(ae_title="CT_ONE"))
    ds = builders.ct_slice(side=512, sop_uid="1.2.3.4", study_uid="1.2.3")
    # What is small goes the same way first, so that all is loaded that is ever needed.
    ingest.store(actor, builders.part10(builders.ct_slice()))
    ds.NumberOfFrames = size // 524288
    header = builders.part10(ds)[:-524288]
    header = header[:-4] + size.to_bytes(4, "little")
    told("ready")
    arrival, piece = Arrival(actor, Share(), largest=1 << 30), memoryview(os.urandom(131072))
    arrival.add(memoryview(header))
    for number in range(size // len(piece)):
        if number == size // len(piece) // 2:
            told("half")
        arrival.add(piece)
    told(arrival.end(actor).result().status)
    ingest.stop()


def told(word: str) -> None:
    os.write(1, f"{word}\n".encode())
    sys.stdin.readline()


if __name__ == "__main__":
    main(int(sys.argv[1]))
