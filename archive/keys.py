"""Study and patient keys: sealing needs none shown, every opening needs a receipt that covers the study.

No function returns a key. Keys are rows wrapped under the present epoch; the unwrapped ones stay in this process for at
most a minute and in bounded number.
"""

import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from django.db import transaction

from accounts import doorways
from accounts.gate import PatientReceipt, SearchReceipt
from accounts.recent import Recent
from archive import keyring, openers, statements
from archive.errors import Damaged, Unavailable
from archive.keyring import Wrapped
from archive.models import Study, StudyKey
from archive.openers import Bunch, CellOpener, Opener
from audit import plain_models
from audit.actions import Action
from audit.errors import NotCovered
from audit.receipts import Receipt
from keystore import keys as keystore
from vault import objects
from vault.cells import seal_cell as seal_one_cell
from vault.objects import Buffer, Header, Kind, Sealing, Slots
from vault.random import new_secret, subkey

if TYPE_CHECKING:
    from django.db.models import QuerySet

STUDY, LEAVING, FORMER, PATIENT = "study", "leaving", "former", "patient"
OF_STUDY = (STUDY, LEAVING, FORMER)
"""The scopes of a study's keys: the present one, and those it replaced (`archive.models.StudyKey`)."""

_scopes: Recent[str, dict[UUID, str]] = Recent(most=256)
"""Which keys open a study, for who has its receipt; the keys themselves are the keyring's."""


@dataclass(frozen=True, slots=True)
class KeyName:
    """Names a key without being one: `id` is what seals, `owner` the row of the study or patient whose key it is."""

    id: UUID
    owner: UUID


def forget() -> None:
    """Drop every unwrapped key of this process."""
    keyring.forget()
    _scopes.forget()


def ensure(scope: str, subjects: Iterable[str]) -> dict[str, KeyName]:
    """The present key of each study UID or patient pseudonym, made where there was none; see `ensure_all`."""
    return {subject: name for (_, subject), name in ensure_all({scope: subjects}).items()}


def ensure_all(subjects: Mapping[str, Iterable[str]]) -> dict[tuple[str, str], KeyName]:
    """The present keys of subjects by their scopes, made where there were none, by scope and subject.

    A new row is committed and read back before this returns, so that nothing is ever sealed under a key that a crash
    or a faster process could take away; who loses the race gets the winner's. Must run outside a transaction.
    """
    wanted = sorted({(scope, subject) for scope, named in subjects.items() for subject in named})
    known = _rows(wanted)
    missing = [name for name in wanted if name not in known]
    if missing:
        keystore.current_epoch()  # ahead of the transaction: it may ask a slow root
        with transaction.atomic(durable=True):
            plain_models.insert(StudyKey, [_new(*name) for name in missing], ignore=True)
        known |= _rows(missing)
    for row in known.values():
        keyring.hold(row)
    return {name: KeyName(known[name].id, known[name].owner) for name in wanted}


def _rows(names: list[tuple[str, str]]) -> dict[tuple[str, str], StudyKey]:
    wanted, rows = set(names), plain_models.select(StudyKey, "subject", {subject for _, subject in names})
    return {(row.scope, row.subject): row for row in rows if (row.scope, row.subject) in wanted}


def _new(scope: str, subject: str) -> StudyKey:
    identifier = uuid4()
    epoch, wrapped = keystore.wrap_under_epoch(identifier, new_secret(), keyring.slots(scope, subject))
    return StudyKey(id=identifier, owner=identifier, scope=scope, subject=subject, epoch=epoch, wrapped=wrapped)


def rewrap(epoch: UUID, most: int) -> int:
    """Wrap at most so many of the keys under an epoch under the present one, in one transaction; return how many.

    Raises Damaged for a key that does not open; then none of these has changed.
    """
    with transaction.atomic(durable=True):
        rows = list(StudyKey.objects.select_for_update().filter(epoch=epoch).order_by("id")[:most])
        for row in rows:
            _wrap_anew(row)
        StudyKey.objects.bulk_update(rows, ["epoch", "wrapped"])
    return len(rows)


def replace(study_uid: str) -> KeyName:
    """Draw another key for a study, in the caller's transaction, which points the study's row to it.

    The key before it is leaving from then on: it opens what lies under it, and seals nothing more. Raises Unavailable
    where the study has no key, and Damaged where that does not open.
    """
    before = StudyKey.objects.select_for_update().filter(scope=STUDY, subject=study_uid).first()
    if before is None:
        raise Unavailable("The key of this study is not there any more.")
    _pass(before, LEAVING)
    made = _new(STUDY, study_uid)
    made.owner = before.owner
    made.save(force_insert=True)
    return KeyName(made.id, made.owner)


def retire(key_id: UUID) -> bool:
    """Make a leaving key a former one, in the caller's transaction, which knows that nothing lies under it.

    False when it is none. Raises Damaged where it does not open.
    """
    row = StudyKey.objects.select_for_update().filter(id=key_id, scope=LEAVING).first()
    if row is not None:
        _pass(row, FORMER)
    return row is not None


def recall(key_id: UUID) -> bool:
    """Make a former key a leaving one again, in the caller's transaction, because an index from before names it.

    For a restored index alone: whoever had the key could seal under it what is opened from now on. Raises Damaged.
    """
    row = StudyKey.objects.select_for_update().filter(id=key_id, scope=FORMER).first()
    if row is not None:
        _pass(row, LEAVING)
    return row is not None


def _pass(row: StudyKey, scope: str) -> None:
    """Bind a key to another scope: its row alone, changed by whoever can write to the database, would not open."""
    _wrap_anew(row, scope)
    row.scope = scope
    row.save(update_fields=["scope", "epoch", "wrapped"])


def _wrap_anew(row: StudyKey, scope: str = "") -> None:
    try:
        secret = keyring.unwrapped(row)
    except Damaged:
        whose = PATIENT if row.scope == PATIENT else STUDY
        raise Damaged(f"The key {row.id} of a {whose} does not open.") from None
    bound = keyring.slots(scope or row.scope, row.subject)
    row.epoch, row.wrapped = keystore.wrap_under_epoch(row.id, secret, bound)


def ready(key_id: UUID) -> bool:
    """Tell whether this process can seal under the key without asking the database."""
    return keyring.held(key_id)


def seal(
    key_id: UUID, kind: Kind, object_id: UUID, slots: Slots, plaintext: bytes | memoryview, generation: int = 0
) -> bytes:
    """Seal an object under a study's or patient's key. Raises Unavailable when the key is gone."""
    return objects.seal(_secret(key_id), Header(kind, key_id, object_id, generation), slots, plaintext)


def sealing(key_id: UUID, kind: Kind, object_id: UUID, slots: Slots, plaintext: Buffer) -> Sealing:
    """An object that is sealed under a study's key when it is written. Raises Unavailable when the key is gone."""
    return Sealing(_secret(key_id), Header(kind, key_id, object_id), slots, plaintext)


def sealer(key_id: UUID, kind: Kind, object_id: UUID, slots: Slots) -> objects.Sealer:
    """What seals one object piece by piece under a study's key. Raises Unavailable when the key is gone."""
    return objects.Sealer(_secret(key_id), Header(kind, key_id, object_id), slots)


def seal_cell(key_id: UUID, table_column: str, row: UUID, text: str | bytes) -> bytes:
    """Seal one cell (kind 7); an empty value stays empty, so that absence costs nothing."""
    return seal_one_cell(_secret(key_id), key_id, table_column, row, text) if text else b""


def digest(key_id: UUID, purpose: str, value: bytes) -> str:
    """16 bytes in hexadecimal that tell equal values apart from others under one key, and nothing to who lacks it."""
    return digest_of_pieces(key_id, purpose, (), len(value), (value,))


def digest_of_pieces(key_id: UUID, purpose: str, named: Iterable[bytes], length: int, pieces: Iterable[Buffer]) -> str:
    """The same of some names and of so many bytes, which come in pieces."""
    mac = hmac.new(subkey(_secret(key_id), f"custos/digest/{purpose}"), digestmod="sha256")
    for name in named:
        mac.update(len(name).to_bytes(8, "big") + name)
    mac.update(length.to_bytes(8, "big"))
    for piece in pieces:
        mac.update(piece)
    return mac.digest()[:16].hex()


def seal_field(table_column: str, row: UUID, text: str) -> bytes:
    """Seal one cell under the installation's field key: values that belong to no single study, such as phrases."""
    key = keystore.installation_key("field")
    return seal_one_cell(key.secret, key.id, table_column, row, text)


def _secret(key_id: UUID) -> bytes:
    secret = keyring.get(key_id)
    if secret is None:
        raise Unavailable("The key of this study is not there any more.")
    return secret


def unlock(receipt: Receipt, study_uid: str) -> Opener:
    """What opens this study's objects and cells, and its patient's cells.

    Raises NotCovered without its receipt, and for one of an act that opens studies at no door.
    """
    if not isinstance(receipt, Receipt):
        raise TypeError("Only a receipt opens a study.")
    if not doorways.opens(receipt.action):
        raise NotCovered("The receipt is of an act that opens no study.")
    receipt.require(study_uid)
    scope_of = _scopes.find(study_uid, partial(_scope_of, [study_uid], OF_STUDY))
    return Opener(_bunch(scope_of), study_uid, again=partial(_held, [study_uid], OF_STUDY))


def unlock_listed(
    receipt: SearchReceipt, study_uids: Iterable[str], pseudonyms: Iterable[str] | None = None
) -> CellOpener:
    """What opens the cells, and only the cells, of candidates that a search found in the actor's scope.

    `pseudonyms` are those of their patients, where the search has read them with the studies.
    """
    if not isinstance(receipt, SearchReceipt):
        raise TypeError("Only a search receipt opens the cells of a list.")
    read = None if pseudonyms is None else list(pseudonyms)
    held = partial(_held, list(study_uids), (STUDY, LEAVING), read)
    return CellOpener(held(), again=held)


def unlock_patients(receipt: PatientReceipt, pseudonyms: Iterable[str]) -> CellOpener:
    """What opens the cells of these patients' own rows, and nothing of any study."""
    if not isinstance(receipt, PatientReceipt):
        raise TypeError("Only the receipt of a search for patients opens their cells.")
    rows = StudyKey.objects.filter(scope=PATIENT, subject__in=list(pseudonyms))
    return CellOpener(openers.load(list(rows.values_list("id", flat=True))))


def unlock_phrases(receipt: Receipt) -> CellOpener:
    """What opens the dictionary of physicians and descriptions, and nothing of any study."""
    if not isinstance(receipt, Receipt):
        raise TypeError("Only a receipt opens phrases.")
    if receipt.action is not Action.REINDEXED:
        raise NotCovered("The receipt is of an act that opens no phrases.")
    return CellOpener(openers.load(()))


def of_studies(study_uids: Iterable[str], scopes: Iterable[str] = OF_STUDY) -> "QuerySet[StudyKey]":
    """The rows of the keys of studies. They are found by the study UID, to which each wrapped key is bound.

    Whatever row of the index was made to name another key, these alone open the study.
    """
    return StudyKey.objects.filter(scope__in=list(scopes), subject__in=list(study_uids))


def _held(study_uids: list[str], scopes: Iterable[str], pseudonyms: list[str] | None = None) -> Bunch:
    """The keys of studies and of the patients that the index gives them; a former one among them opens but details."""
    rows = _read(study_uids, scopes, pseudonyms)
    return _bunch({row.id: row.scope for row in rows}, rows)


def _scope_of(study_uids: list[str], scopes: Iterable[str]) -> dict[UUID, str]:
    """Which keys those are, and what each of them is now."""
    return {row.id: row.scope for row in _read(study_uids, scopes)}


def _read(study_uids: list[str], scopes: Iterable[str], pseudonyms: list[str] | None = None) -> list[Wrapped]:
    """The rows of those keys: found by whose they are, never by what a row of the index names."""
    if pseudonyms is None:
        pseudonyms = list(Study.objects.filter(uid__in=study_uids).values_list("patient__pseudonym", flat=True))
    theirs, own = set(pseudonyms), set(study_uids)
    rows = statements.keys((*scopes, PATIENT), [*(theirs | own)])
    return [row for row in rows if row.subject in (theirs if row.scope == PATIENT else own)]


def _bunch(scope_of: dict[UUID, str], rows: Iterable[Wrapped] = ()) -> Bunch:
    return openers.load(scope_of, (key_id for key_id, scope in scope_of.items() if scope == FORMER), rows)
