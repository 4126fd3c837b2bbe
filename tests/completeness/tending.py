"""The care of what is stored: jobs, keys, backups, the archive's own commands. Asked while the house has one study."""

from typing import Final

from tests.completeness.rows import Expected, Row, done, plain, refused


def command(asked: str, status: int, *expected: Expected, given: str = "") -> Row:
    return Row("command", "shell", asked, status, expected, given=given)


def shut(asked: str, action: str, given: str = "") -> Row:
    return Row("bare", "shell", asked, 1, refused(action), given=given)


def of_study(action: str, count: int = 0, by: str = "") -> Expected:
    return Expected(action, "ok", count=count, by=by)


ARCHIVE: Final = (
    command("archive scrub", 0, of_study("archive:scrubbed", 1, by="tend"), plain("archive:scrubbed", "ok", 1)),
    command("archive check", 0, plain("archive:checked", "ok", 1)),
    # The patient with its study, then the four phrases of the dictionary, then the pass.
    command(
        "archive reindex",
        0,
        of_study("archive:reindexed", 1, by="tend"),
        plain("archive:reindexed", "ok", 4, by="tend"),
        plain("archive:reindexed", "ok", 1),
    ),
    command("archive compact", 0),
    command("archive compact 1.2.3", 1, Expected("archive:compacted", "not-found", patient=False)),
    command("archive sweep", 0, *done("archive:swept")),
    command("archive check --rebuild", 0, plain("archive:checked", "ok", 1), plain("archive:rebuilt", "ok")),
    shut("archive scrub", "archive:scrubbed"),
    shut("archive check", "archive:checked"),
    shut("archive reindex", "archive:reindexed"),
    shut("archive compact", "archive:compacted"),
    shut("archive sweep", "archive:swept"),
)

MISSED_KEY: Final = Expected("study:rekeyed", "not-found", patient=False)
EXPORT: Final = "keys export-shares --as keeper"
KEYS: Final = (
    command("keys status", 0),
    shut("keys status", "key:rotated"),
    command("keys create-root {folder}/root.key", 0, given="a folder"),
    shut("keys create-root {folder}/root.key", "key:rotated", "a folder"),
    command(
        "keys rekey {study}",
        0,
        of_study("study:rekeyed", 1, by="rekey"),
        of_study("study:rekeyed", 1),
        given="no backup place",
    ),
    command("keys rekey 1.2.3", 1, MISSED_KEY),
    shut("keys rekey {study}", "study:rekeyed"),
    command("keys end-epoch {epoch}", 0, plain("key:epoch-ended", "ok", -1), given="an epoch to end"),
    command("keys end-epoch 4711", 1, plain("key:epoch-ended", "not-found")),
    shut("keys end-epoch 1", "key:epoch-ended"),
    command("keys clean", 0, given="no backup place"),
    shut("keys clean", "key:epoch-ended"),
    command("keys clean", 0, plain("key:changed", "ok", 1), given="a backup place"),
    command("keys rotate --to file:{root}", 0, *done("key:rotated"), given="another root"),
    shut("keys rotate --to file:{root}", "key:rotated", "another root"),
    Row(
        "vouched",
        "keeper",
        "keys export-shares --as keeper",
        0,
        (*done("person:step-up"), *done("key:shares-exported")),
    ),
    Row(
        "vouched",
        "radiologist",
        "keys export-shares --as radiologist",
        1,
        (*done("person:step-up"), *refused("key:shares-exported")),
    ),
    Row(
        "mistaken",
        "keeper",
        "keys export-shares --as keeper",
        1,
        (plain("person:step-up", "denied", 1, by="-"),),
    ),
    shut("keys recover --to file:{folder}/root.key", "key:recovered", "a folder"),
)

MADE: Final = plain("backup:created", "ok", -1)
PROVED: Final = plain("backup:verified", "ok", -1)
ABSENT: Final = plain("backup:verified", "not-found")
BACKUPS: Final = (
    # The place is registered first, which is an event of its own.
    command("backup create {folder}", 0, MADE, MADE, given="a folder"),
    shut("backup create {folder}", "backup:created", "a folder"),
    command("backup verify {folder}", 0, PROVED, given="a backup"),
    shut("backup verify {folder}", "backup:verified", "a backup"),
    *(command(f"backup {verb} {{folder}}/none", 1, ABSENT, given="a folder") for verb in ("verify", "list")),
    command("backup forget {folder}", 1, plain("backup:created", "not-found"), given="a folder"),
    command("backup list {folder}", 0, given="a backup"),
    shut("backup list {folder}", "backup:verified", "a backup"),
    command("backup places", 0),
    shut("backup places", "backup:created"),
    command("backup forget {folder}", 0, MADE, given="a backup place"),
    shut("backup forget {folder}", "backup:created", "a backup place"),
    shut("backup restore {folder}", "backup:restored", "a folder"),
)

HOUSE: Final = (*ARCHIVE, *KEYS, *BACKUPS)

DERIVED: Final = (of_study("job:derived", 1),)
IDLE: Final = (Expected("job:derived", "denied"),)
DERIVING: Final = tuple(
    row
    for kind in ("preview", "metadata", "digest")
    for row in (
        Row("job", "derive", f"{kind} {{row}}", 0, DERIVED, given="a series"),
        Row("idle", "derive", f"{kind} {{row}}", 1, IDLE, given="a series"),
    )
)

JOBS: Final = (
    *DERIVING,
    # The transaction that destroyed the study is on record; what is left to do adds nothing.
    Row("job", "destroy", "destroy {certificate}", 0, (), given="a study destroyed"),
    Row("job", "rekey", "retire {leaving}", 0, (of_study("study:rekeyed"),), given="a key left"),
    Row("job", "tend", "reindex {patient}", 0, (of_study("archive:reindexed", 1),), given="a patient"),
    Row("idle", "tend", "reindex {patient}", 1, (Expected("archive:reindexed", "denied"),), given="a patient"),
    Row("job", "verify", "verify 2026-01-01", 0, (Expected("log:verified", "ok", False, False, count=-1),)),
    Row("idle", "verify", "verify 2026-01-01", 1, refused("log:verified")),
    Row("job", "tend", "discard {pack}", 0, done("archive:swept"), given="a pack that nobody names"),
    Row("idle", "tend", "discard {pack}", 1, refused("archive:swept"), given="a pack that nobody names"),
)
