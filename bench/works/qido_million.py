"""QIDO-RS at a million studies, ours alone: no peer can be filled so far in an hour."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from bench import custos
from bench.runner import Scale, Work
from bench.works import qido

NAMES: Final = ("QIDO-RS at 1,000,000 studies, p95",)
PROGRAMS: Final = ()
STUDIES: Final = 1_000_000
ENOUGH: Final = 0.040
"""Seconds."""


@contextmanager
def prepared(scale: Scale) -> Iterator[list[Work]]:
    """The work, beside a p95 that is good enough in the peer's place."""
    studies = qido.QUICK if scale.quick else STUDIES
    with custos.running(planted=studies, kept=scale.place("sqlite", studies), PACS_TLS="off") as ours:
        yield [qido.measured(ours, scale, NAMES[0], studies, ENOUGH)]
        qido.require_promises(ours, studies)
