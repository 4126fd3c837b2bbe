"""Signed tree heads: what the log was at a moment, so that it cannot be rewritten unseen, with copies at the anchors.

Every minute or 500 rows one signer of the installation walks over the new rows, checks them, and signs the root of the
tree as a C2SP tlog-checkpoint (origin `custos/<installation uuid>`, from log 2 on `…/2`). It does not sign what does
not follow from what it signed before, nor what an anchor knows otherwise.
"""

from collections.abc import Callable
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from audit import alerts, anchors, tables, turns
from audit.anchors import Place
from audit.models import Checkpoint
from audit.tree import Frontier
from audit.walk import Walk
from keystore import keys
from vault import notes
from vault.errors import Tampered

EVERY_ROWS = 500
EVERY = timedelta(seconds=60)
SIGNER = "signer"


class Doubt(Exception):
    """The rows to be signed contradict what was signed before. The message names the first row and no study."""


def origin(log: int) -> str:
    """The name of a log: the installation's, with a number from the second log on."""
    name = f"custos/{keys.installation_uuid()}"
    return name if log == 1 else f"{name}/{log}"


def public_key() -> bytes:
    """The 32 bytes with which anybody checks a checkpoint."""
    return notes.public_of(keys.installation_key("signing").secret)


def verifier_key(log: int = 1) -> str:
    """The public key as text, to be kept outside: `name+hash+key` as C2SP signed-note spells it."""
    return notes.verifier_key(origin(log), public_key())


def reader(log: int) -> Callable[[str], notes.Checkpoint]:
    """A function that reads a note of ours; it raises Tampered for another signature, origin or form."""
    name, public = origin(log), public_key()

    def read(note: str) -> notes.Checkpoint:
        checkpoint = notes.parse_checkpoint(notes.verify_note(name, public, note))
        if checkpoint.origin != name:
            raise Tampered("a checkpoint of another log")
        return checkpoint

    return read


def sign_due(*, at_once: bool = False) -> bool:
    """Sign the log's head if it is due (or, `at_once`, if there is anything new) and copy it to the anchors.

    Returns whether a checkpoint was made. What cannot be signed or copied raises an alert and is tried again next time.
    """
    with turns.alone(SIGNER) as mine:
        # The head is read with the turn in hand: a checkpoint that another signer made meanwhile lies behind it.
        head = tables.head() if mine else None
        if head is None:
            return False
        log, seq = head[0], head[1]
        last = Checkpoint.objects.filter(log=log).order_by("-size").first()
        made = _due(last, seq, at_once=at_once) and _sign(log, last, seq)
        _copy(log)
        return made


def _due(last: Checkpoint | None, seq: int, *, at_once: bool) -> bool:
    if last is None:
        return seq > 0
    fresh = seq - last.size
    return fresh >= EVERY_ROWS or (fresh > 0 and (at_once or timezone.now() - last.created_at >= EVERY))


def _sign(log: int, last: Checkpoint | None, seq: int) -> bool:
    try:
        frontier = _grown(log, last, seq)
    except Doubt as doubt:
        alerts.raise_("tampering", origin(log), f"The log was not signed: {doubt}.")
        return False
    name, key = origin(log), keys.installation_key("signing")
    note = notes.sign_note(name, key.secret, notes.checkpoint_text(name, frontier.size, frontier.root()))
    with transaction.atomic():
        Checkpoint.objects.create(log=log, size=frontier.size, note=note, frontier=frontier.encode())
    return True


def _grown(log: int, last: Checkpoint | None, seq: int) -> Frontier:
    """The tree's edge at row `seq`, from the last checkpoint's, over rows that were checked. Raises Doubt."""
    walk = _resumed(log, last)
    known = _anchored(log)
    _compare(known, walk.frontier)
    for stored, listed in tables.rows(log, walk.seq, until=seq):
        found = walk.step(stored, listed)
        if found:
            raise Doubt(found[0].text)
        _compare(known, walk.frontier)
    if known and max(known) > walk.frontier.size:
        raise Doubt(f"an anchor holds a checkpoint of {max(known)} rows, but the log ends at row {walk.frontier.size}")
    return walk.frontier


def _resumed(log: int, last: Checkpoint | None) -> Walk:
    if last is None:
        return Walk(log, Frontier())
    try:
        signed = reader(log)(last.note)
        frontier = Frontier.decode(last.size, bytes(last.frontier))
    except (Tampered, ValueError) as error:
        raise Doubt(f"the checkpoint of {last.size} rows was edited") from error
    if (signed.size, signed.root) != (frontier.size, frontier.root()):
        raise Doubt(f"the checkpoint of {last.size} rows was edited")
    before = tables.page(log, last.size - 1, 1)
    if not before or before[0][1] != last.size:
        raise Doubt(f"row {last.size} is missing")
    try:
        row, _, chained = tables.decode(before[0])
    except tables.Unreadable as error:
        raise Doubt(f"row {last.size} was edited") from error
    return Walk(log, frontier, last.size, (chained,), row.time_us)


def _anchored(log: int) -> dict[int, bytes]:
    """{size: root} of the newest checkpoint that each anchor holds; an anchor that cannot be read is passed over."""
    found = {}
    for place in _places(log):
        try:
            note = place.newest(origin(log))
            if note is not None:
                checkpoint = reader(log)(note)
                found[checkpoint.size] = checkpoint.root
        except (OSError, Tampered) as error:
            _alert(place, error)
    return found


def _compare(known: dict[int, bytes], frontier: Frontier) -> None:
    expected = known.get(frontier.size)
    if expected is not None and expected != frontier.root():
        raise Doubt(f"the first {frontier.size} rows are not those that an anchor knows")


def _copy(log: int) -> None:
    """Bring every anchor up to the newest checkpoint."""
    for place in _places(log):
        try:
            newest = place.newest(origin(log))
            held = reader(log)(newest).size if newest is not None else 0
            for checkpoint in Checkpoint.objects.filter(log=log, size__gt=held).order_by("size").iterator():
                place.append(origin(log), checkpoint.note)
        except (OSError, Tampered) as error:
            _alert(place, error)


def _places(log: int) -> list[Place]:
    try:
        return anchors.places()
    except anchors.AnchorError as error:
        alerts.raise_("anchor", origin(log), str(error))
        return []


def _alert(place: Place, error: Exception) -> None:
    alerts.raise_("anchor", str(place), f"A checkpoint could not be copied there ({anchors.reason(error)}).")
