"""Destroying a study before its time in the trash has passed: two people want it, or a day goes by."""

from typing import Any
from uuid import UUID

from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.actors import Actor
from accounts.acts import Kind, Proposal
from accounts.errors import AgainstRules
from archive import destruction, removal
from archive.errors import Unsuitable
from audit.actions import Action

NAME = "destroy-at-once"


def _ready(study_uid: str, _proposal: Proposal) -> None:
    """Return if nothing but the delay keeps the study. Raises AgainstRules."""
    try:
        removal.ready(study_uid, early=True)
    except Unsuitable:
        words = _now("The study is not in the trash, or it is under a legal hold.")
        raise AgainstRules("study", words, "not-ready") from None


def _carry_out(actor: Actor, study_uid: str, _proposal: Proposal, told: dict[str, Any]) -> UUID:
    return destruction.at_once(actor, study_uid, told)


KIND = Kind(
    NAME,
    Action.DESTROYED,
    _("Destroy a study at once"),
    _(
        "The study is destroyed before its delay in the trash has passed: its keys are deleted first, and from that "
        "moment nobody can read its images. This cannot be undone. A signed certificate names both people."
    ),
    str,
    _ready,
    _carry_out,
    of_study=True,
)
