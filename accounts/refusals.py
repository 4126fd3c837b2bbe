"""Why the gate says no, and how that is put on record before anybody hears it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from accounts.actors import Actor
from accounts.errors import Forbidden, Refused, StepUpNeeded
from accounts.policy import STEP_UP, STEP_UP_SECONDS
from audit import log
from audit.actions import Action, Outcome


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked of the gate."""

    action: Action
    study_uid: str = ""
    patient: str = ""
    purpose: str = ""
    details: Mapping[str, Any] | None = None


def reason(actor: Actor, action: Action) -> Refused | None:
    """Return why the actor may not act so now, or None: proof first, then permission, then step-up."""
    if not actor.permitted(action):
        return Forbidden("This is not allowed.")
    if wants_step_up(actor, action):
        return StepUpNeeded("A fresh second factor is needed.")
    return None


def wants_step_up(actor: Actor, action: Action) -> bool:
    """Tell whether the act asks this actor for another second factor. Jobs, devices and the shell have none to give."""
    if action not in STEP_UP or actor.kind not in ("person", "token"):
        return False
    return actor.stepped_up_at is None or not 0 <= time.time() - actor.stepped_up_at <= STEP_UP_SECONDS


def recorded(actor: Actor, asked: Asked, outcome: Outcome, error: Refused) -> Refused:
    """Make the refusal durable, then return the error to raise. Strangers' refusals are folded by the log."""
    details = {**(asked.details or {}), "refused": type(error).__name__}
    if actor.kind == "nobody":
        log.refused(asked.action, actor.who, details)
        return error
    event = log.Event(
        asked.action,
        outcome,
        actor.who,
        study_uid=asked.study_uid,
        patient=asked.patient,
        purpose=asked.purpose,
        details=details,
    )
    log.commit([event])
    return error
