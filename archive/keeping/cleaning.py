"""After keys have passed or gone: the database files forget the bytes that opened with what is no longer to open."""

from accounts import gate
from accounts.actors import Actor
from archive import erasing
from audit.actions import Action


def clean(actor: Actor) -> None:
    """Overwrite what pages and journals still hold of former wrappings. May be repeated.

    Raises Forbidden, or Unavailable when somebody reads for long or the tables belong to another login.
    """
    gate.permit(actor, Action.EPOCH_ENDED, subject="clean")
    erasing.journals((*erasing.EPOCH_KEYS, *erasing.STUDY_KEYS))
