"""What a rebuild did, and what it left where it lies."""

from dataclasses import dataclass, field
from typing import Final

MOST_NAMED: Final = 1000


@dataclass(slots=True)
class Rebuilt:
    """Rows made, by kind, and records left. What is in `damaged` was adopted by nobody, and is more than it names
    where there is very much of it (`damages`)."""

    studies: int = 0
    instances: int = 0
    newcomers: int = 0
    renditions: int = 0
    moved: int = 0  # objects that the index named in packs that are gone, and that lie elsewhere
    anew: int = 0  # objects that had no place as they lay, and were stored as if they came again
    dead: int = 0  # copies, replaced renditions, what was found the same, what a person had accepted
    former: int = 0  # records under keys that were replaced
    keyless: int = 0  # records whose keys are gone
    trashed: int = 0  # records of studies in the trash, which nobody opens
    damages: int = 0
    damaged: list[str] = field(default_factory=list)

    def damage(self, pack: str, offset: int, words: str) -> None:
        """Note a record that is not adopted, by its place."""
        self.damages += 1
        if len(self.damaged) < MOST_NAMED:
            self.damaged.append(f"{pack} at {offset}: {words}")
