"""Which works are meant: those of a file, those whose name contains a word, or all."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.goals import Goal
from bench.runner import Module, Work
from bench.works import (
    browser,
    cstore,
    defaults,
    frames,
    metadata,
    multiframe,
    qido,
    qido_million,
    recording,
    rendered,
    sealing,
    stow,
    study,
)

MODULES: Final = (
    cstore,
    multiframe,
    stow,
    frames,
    metadata,
    study,
    rendered,
    qido,
    qido_million,
    browser,
    defaults,
)
EXTRA: Final = {"sealing": sealing.EXTRA, "recording": recording.EXTRA}
RESULTS: Final = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Chosen:
    """Modules with the names of their works that are meant, and works beside the table of goals."""

    modules: Mapping[Module, set[str]]
    extra: Sequence[tuple[Work, Goal]]

    @property
    def names(self) -> set[str]:
        return set().union(*self.modules.values())

    def programs(self, *, alone: bool = False) -> set[str]:
        """What must be installed; where ours is measured alone, no peer."""
        wanted = {program for module in self.modules for program in module.PROGRAMS}
        return wanted - {"Orthanc"} if alone else wanted


def file_of(module: Module) -> str:
    """How a file of works is called on the command line."""
    return str(getattr(module, "__name__", "")).rpartition(".")[2]


def chosen(parts: Sequence[str]) -> Chosen:
    """The works whose file is named by a part or whose own name contains one; all of them without any part."""

    def wanted(name: str, file: str) -> bool:
        return not parts or any(part in name or part == file for part in parts)

    found = {module: {name for name in module.NAMES if wanted(name, file_of(module))} for module in MODULES}
    extra = [(work, goal) for file, works in EXTRA.items() for work, goal in works if wanted(work.name, file)]
    return Chosen({module: names for module, names in found.items() if names}, extra)
