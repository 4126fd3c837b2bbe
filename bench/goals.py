"""The table of goals: ratios ours to the peer's, above 1 is faster. ``must`` is the bar, ``then`` the next one."""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Goal:
    """One work with its bars."""

    work: str
    must: float
    then: float


GOALS: Final = tuple(
    Goal(work, must, then)
    for work, must, then in (
        ("vault: seal 0.5 MB, beside plain AES-256-GCM", 0.4, 0.7),
        ("C-STORE 500 CT slices of 0.5 MB, 1 association", 2.0, 3.0),
        ("C-STORE 500 CT slices of 0.5 MB, 4 associations", 1.7, 2.5),
        ("C-STORE 2,000 MR images of 35 KB, 1 association", 2.0, 3.0),
        ("C-STORE 2,000 MR images of 35 KB, 4 associations", 1.7, 2.5),
        ("C-STORE one 200 MB multi-frame", 4.0, 6.0),
        # The bar is 100 MB, then 64, and the peer's column holds it.
        ("C-STORE one 200 MB multi-frame, memory above idle beside 100 MB", 1.0, 1.5625),
        ("STOW-RS in requests of 1 instance", 1.5, 2.0),
        ("STOW-RS in requests of 10 instances", 2.0, 3.0),
        ("STOW-RS in requests of 100 instances", 1.7, 3.0),
        ("WADO-RS single frames, 1 client", 1.4, 2.0),
        ("WADO-RS single frames, 8 clients", 1.7, 2.2),
        ("WADO-RS single frames over TLS, 1 client", 1.0, 1.3),
        ("WADO-RS single frames over TLS, 8 clients", 1.2, 1.5),
        ("WADO-RS metadata of a 500-instance series", 20.0, 100.0),
        ("WADO-RS whole study", 0.8, 1.0),
        ("rendered, first", 1.0, 1.5),
        ("thumbnail, repeated", 3.0, 5.0),
        ("QIDO-RS at 100,000 studies, p95", 30.0, 100.0),
        # Beside no peer but 40 ms, so that twice as fast is 20 ms.
        ("QIDO-RS at 1,000,000 studies, p95", 1.0, 2.0),
        ("browser: click to first image", 1.2, 2.0),
        ("browser: click to all of 160 CT slices", 1.5, 3.0),
    )
)

UNJUDGED: Final = tuple(
    Goal(f"C-STORE {what}, 1 association, the peer at its defaults", 0.0, 0.0)
    for what in ("CT slices of 0.5 MB", "MR images of 35 KB")
)
"""Told beside the table and held to no bar: who installs the peer and changes nothing has these."""

BY_WORK: Final = {goal.work: goal for goal in (*GOALS, *UNJUDGED)}
