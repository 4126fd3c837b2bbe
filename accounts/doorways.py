"""Every door through which bytes or rights pass, named by hand, and the doors to come, which must stay shut.

A door is no rule: `accounts.policy` says who may, `accounts.gate` records it. The table exists so that nothing can be
built that nobody thought about: what the program offers and what stands here are held equal, name by name.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from audit.actions import Action


class Kind(StrEnum):
    DICOMWEB = "dicomweb"
    PAGE = "page"
    DIMSE = "dimse"
    COMMAND = "command"
    JOB = "job"


@dataclass(frozen=True, slots=True)
class Door:
    """One way in or out. `name` is the route, the service, `NOUN VERB`, or the kind of job."""

    kind: Kind
    name: str
    built: bool = True


def _doors(kind: Kind, names: str, *, built: bool = True) -> tuple[Door, ...]:
    return tuple(Door(kind, line.strip(), built) for line in names.strip().splitlines())


def _verbs(noun: str, verbs: str) -> tuple[Door, ...]:
    return tuple(Door(Kind.COMMAND, f"{noun} {verb}") for verb in verbs.split())


_STUDY: Final = "studies/<uid:study>"
_SERIES: Final = f"{_STUDY}/series/<uid:series>"
_INSTANCE: Final = f"{_SERIES}/instances/<uid:instance>"
_FRAMES: Final = f"{_INSTANCE}/frames/<str:numbers>"

DICOMWEB: Final = _doors(
    Kind.DICOMWEB,
    f"""
    studies
    series
    instances
    {_STUDY}
    {_STUDY}/series
    {_STUDY}/instances
    {_STUDY}/metadata
    {_STUDY}/rendered
    {_STUDY}/thumbnail
    {_SERIES}
    {_SERIES}/instances
    {_SERIES}/metadata
    {_SERIES}/rendered
    {_SERIES}/thumbnail
    {_INSTANCE}
    {_INSTANCE}/metadata
    {_INSTANCE}/rendered
    {_INSTANCE}/thumbnail
    {_INSTANCE}/bulkdata/<tags:path>
    {_FRAMES}
    {_FRAMES}/rendered
    {_FRAMES}/thumbnail
    """,
)

PAGES: Final = _doors(
    Kind.PAGE,
    """
    break-glass/
    break-glass/end/
    break-glass/reviews/
    break-glass/reviews/<uuid:identifier>/
    break-glass/reviews/<uuid:identifier>/end/
    break-glass/shares/
    approvals/
    approvals/<uuid:approval_id>/
    approvals/<uuid:approval_id>/approve/
    approvals/<uuid:approval_id>/refuse/
    approvals/<uuid:approval_id>/withdraw/
    destruction/
    destruction/certificates/
    destruction/certificates/<uuid:identifier>/
    destruction/certificates/<uuid:identifier>/note/
    destruction/certificates/<uuid:identifier>/steps/
    devices/
    devices/<uuid:device_id>/
    devices/<uuid:device_id>/active/
    devices/<uuid:device_id>/echo/
    devices/<uuid:device_id>/enrol/
    devices/<uuid:device_id>/revoke/
    devices/callers/
    devices/callers/<uuid:caller_id>/block/
    devices/equipment/
    devices/new/
    grants/
    grants/<uuid:identifier>/revoke/
    groups/
    groups/<uuid:group_id>/
    groups/<uuid:group_id>/delete/
    groups/rules/
    groups/rules/<uuid:identifier>/end/
    groups/rules/import/
    holds/
    locked/
    me/
    me/app/
    me/app/remove/
    me/passkeys/
    me/passkeys/<uuid:passkey_id>/
    me/passkeys/<uuid:passkey_id>/remove/
    me/alive/
    me/desks/<str:study_uid>/
    me/lock/
    me/password/
    me/recovery-codes/
    me/sessions/<slug:session>/end/
    me/tokens/
    me/tokens/<uuid:token_id>/revoke/
    passkeys/ask/
    passkeys/offer/
    people/
    people/<uuid:person_id>/
    people/<uuid:person_id>/disable/
    people/<uuid:person_id>/enable/
    people/<uuid:person_id>/end-sessions/
    people/<uuid:person_id>/reset/
    people/<uuid:person_id>/spellings/
    people/<uuid:person_id>/spellings/<uuid:link_id>/end/
    people/<uuid:person_id>/unlock/
    people/locked/
    people/new/
    record/
    record/alerts/
    record/alerts/<uuid:alert_id>/seen/
    record/alerts/seen/
    record/events/<int:number>/<int:seq>/
    record/health/
    record/mine/
    record/patients/
    record/patients/<slug:pseudonym>/
    record/patients/<slug:pseudonym>/report/
    record/sittings/<uuid:sitting_id>/
    sessions/
    sessions/<slug:session>/end/
    roles/
    roles/<int:role_id>/
    roles/<int:role_id>/clone/
    roles/<int:role_id>/delete/
    roles/new/
    restricted/
    setup/
    shared/
    shares/
    shares/<uuid:identifier>/end/
    sign-in/
    sign-in/code/
    sign-in/enrol/
    sign-in/password/
    sign-out/
    step-up/
    studies/
    studies/<str:study_uid>/
    studies/<str:study_uid>/destroy/
    studies/<str:study_uid>/displayed/
    studies/<str:study_uid>/download/
    studies/<str:study_uid>/fixity/
    studies/<str:study_uid>/grant/
    studies/<str:study_uid>/held/
    studies/<str:study_uid>/held/<uuid:held_id>/accept/
    studies/<str:study_uid>/held/<uuid:held_id>/reject/
    studies/<str:study_uid>/priors.json
    studies/<str:study_uid>/release/
    studies/<str:study_uid>/restore/
    studies/<str:study_uid>/share/
    studies/<str:study_uid>/trash/
    studies/<str:study_uid>/unrestrict/
    studies/recent/
    tokens/
    tokens/<uuid:token_id>/revoke/
    trash/
    """,
)

DIMSE: Final = _doors(Kind.DIMSE, "C-ECHO\nC-STORE\nDICOM TLS")

COMMANDS: Final = (
    *_verbs("person", "add list disable reset-factors"),
    *_verbs("role", "list show"),
    *_verbs("token", "add revoke"),
    *_verbs("device", "add list disable enrol revoke"),
    *_verbs("group", "add list give import"),
    *_verbs("study", "trash restore hold release destroy restricted reconcile trashed"),
    *_verbs("study", "grant revoke grants restrict unrestrict"),
    *_verbs("archive", "scrub check reindex compact sweep"),
    *_verbs("keys", "status create-root rotate export-shares recover end-epoch clean rekey"),
    *_verbs("backup", "create verify restore list places forget"),
    *_verbs("audit", "status verify prove export key messages"),
    *_doors(Kind.COMMAND, "setup\ndemo"),
)

JOBS: Final = _doors(
    Kind.JOB, "compare\npreview\nmetadata\ndigest\ndestroy\nretire\nreindex\ndiscard\nverify\nphysician"
)

TO_COME: Final = (
    *_doors(
        Kind.DIMSE,
        """
        C-FIND
        C-MOVE
        C-GET
        storage commitment
        modality worklist
        """,
        built=False,
    ),
    *_doors(Kind.PAGE, "oidc/\nexports/", built=False),
    *_doors(Kind.DICOMWEB, "workitems\nstudies/<uid:study>/commitment", built=False),
    *_doors(Kind.JOB, "export\nforward\npseudonymise", built=False),
)
"""What is promised and not built: each must refuse today, and leaves this table together with what builds it."""

ALL: Final = (*DICOMWEB, *PAGES, *DIMSE, *COMMANDS, *JOBS, *TO_COME)


def _named(kind: Kind, *names: str) -> tuple[Door, ...]:
    return tuple(Door(kind, name) for name in names)


_SHOWN: Final = ("studies", "series", "instances", f"{_STUDY}/series", f"{_STUDY}/instances", f"{_SERIES}/instances")

OPENING: Final[Mapping[Action, tuple[Door, ...]]] = {
    Action.VIEW: (
        *(door for door in DICOMWEB if door.name not in _SHOWN),
        *_named(Kind.PAGE, "studies/<str:study_uid>/displayed/"),
    ),
    Action.DOWNLOAD: _named(Kind.PAGE, "studies/<str:study_uid>/download/"),
    Action.COMPARE: _named(
        Kind.PAGE, "studies/<str:study_uid>/held/", "studies/<str:study_uid>/held/<uuid:held_id>/accept/"
    ),
    Action.DERIVED: (
        *_named(Kind.JOB, "compare", "preview", "metadata", "digest"),
        *_named(Kind.DICOMWEB, "studies", _STUDY),
        *_named(Kind.DIMSE, "C-STORE"),
    ),
    Action.SCRUBBED: _named(Kind.COMMAND, "archive scrub"),
    Action.REBUILT: _named(Kind.COMMAND, "archive check"),
    Action.REKEYED: _named(Kind.COMMAND, "keys rekey"),
    Action.REINDEXED: (*_named(Kind.COMMAND, "archive reindex"), *_named(Kind.JOB, "reindex")),
}
"""The acts whose receipt opens a study, and the doors at which each is asked; that of any other act opens nothing."""


def opens(action: Action) -> bool:
    """Tell whether what is on record as this act opens a study at a door that is built."""
    return any(door.built for door in OPENING.get(action, ()))
