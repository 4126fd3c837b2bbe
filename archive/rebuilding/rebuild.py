"""Adopting whatever lies whole in the packs and is named by no row, into an empty index or one that lost some rows.

Every step may be cut off: what is named already is passed over, so that the command given again goes on. Studies that
are made anew are restricted until people have said what was decided about them (`archive.rebuilding.reconciling`).
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Final

from accounts import gate
from accounts.actors import Actor
from archive import turn
from archive.errors import Unavailable
from archive.fixity import whereabouts
from archive.rebuilding import adopting, derived, finding
from archive.rebuilding.adopting import Adoption
from archive.rebuilding.report import Rebuilt
from archive.rebuilding.studies import Openers
from audit.actions import Action

Tell = Callable[[str, int, int], None]
NOTHING: Final = "The place of the packs is empty or not there. Nothing was read, and nothing made."


def run(actor: Actor, *, tell: Tell = lambda _what, _done, _total: None) -> Rebuilt:
    """Adopt what no row names; return what was made and what was left. `tell` hears what is done, and how far.

    Raises Forbidden, LogUnavailable, and Unavailable while the packs are away or another care of them is under way.
    """
    gate.permit(actor, Action.REBUILT)
    with turn.tending():
        whereabouts.require_present()
        report, openers = Rebuilt(), Openers(purpose="rebuild")
        lying = whereabouts.lying()
        if not lying:
            raise Unavailable(NOTHING)
        finding.find(report, openers, lying, lambda done, total: tell("packs walked", done, total))
        del lying
        now = Adoption(report, openers, lambda done, total: tell("records looked at", done, total))
        adopting.run(now)
        derived.run(now)
        told = {name: count for name, count in asdict(report).items() if isinstance(count, int)}
        with gate.change(actor, Action.REBUILT, count=report.instances, details=told):
            pass
    return report
