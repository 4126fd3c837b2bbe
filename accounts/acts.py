"""The kinds of acts that need two people; each room tells its own when the program starts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.utils.functional import Promise

from accounts.actors import Actor
from accounts.policy import NEEDS, STEP_UP, Permission
from audit.actions import Action

Proposal = Mapping[str, Any]
"""What exactly was asked for, beside the subject, as it is kept and shown to whoever confirms; empty for most kinds."""


def _nothing(_proposal: Proposal) -> list[str]:
    return []


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of act. Whoever asks, and whoever confirms, needs the permission of `action`, which asks for a step-up.

    `named` tells how people call the subject; `ready` raises where the act cannot be asked for, or not any more;
    `carry_out` does it in the transaction of the confirmation, writes its own event last, and returns what the edge
    shows. `shown` says a proposal in words. `leads_on` lets whoever asked go on alone, a day later, where nobody else
    could confirm.
    """

    name: str
    action: Action
    label: Promise
    consequences: Promise
    named: Callable[[str], str]
    ready: Callable[[str, Proposal], None]
    carry_out: Callable[[Actor, str, Proposal, dict[str, Any]], Any]
    of_study: bool = False
    shown: Callable[[Proposal], list[str]] = _nothing
    leads_on: bool = False

    @property
    def permission(self) -> Permission:
        return NEEDS[self.action]

    def study(self, subject: str) -> str:
        """Return the UID of the study that the subject is, or nothing where it is something else."""
        return subject if self.of_study else ""


_kinds: Final[dict[str, Kind]] = {}


def register(kind: Kind) -> None:
    """Let acts of this kind be asked for. Raises ValueError for one that would ask nobody for a fresh factor."""
    if kind.action not in STEP_UP:
        raise ValueError(f"{kind.action} asks nobody for a fresh factor")
    _kinds[kind.name] = kind


def find(name: str) -> Kind | None:
    """Return the kind of this name; None where this version knows none."""
    return _kinds.get(name)


def kinds() -> list[Kind]:
    """Return every kind, by name."""
    return [_kinds[name] for name in sorted(_kinds)]
