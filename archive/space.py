"""How much of a disk may be taken: its floor stays free for log and journals."""

import os
from pathlib import Path
from typing import Final

_MIB: Final = 1 << 20


def room(free: int, total: int, wanted: int) -> bool:
    """Tell whether a disk keeps its floor: 1 GiB, or 2 % where the disk is small, stays free for log and journals."""
    return free - wanted >= floor(total)


def floor(total: int) -> int:
    """How many bytes of a disk of `total` bytes stay free for log and journals."""
    return min(1024 * _MIB, max(32 * _MIB, total // 50))


def disk_has_room(place: Path, wanted: int) -> bool:
    """Tell whether the disk of a folder, which need not exist yet, keeps its floor with `wanted` more bytes."""
    try:
        disk = os.statvfs(place)
    except FileNotFoundError:
        return disk_has_room(place.parent, wanted)
    return room(disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize, wanted)
