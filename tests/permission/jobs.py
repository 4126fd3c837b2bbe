"""What each kind of background work may do: by a worker, and by one whose jobs may nothing."""

from typing import Final

from tests.permission.lines import read

COLUMNS: Final = ("worker", "idle")

LINES: Final = read(
    """
WORK preview {row}              .-  given a series
WORK metadata {row}             .-  given a series
WORK digest {row}               .-  given a series
WORK compare {held}             .-  given an image to compare
WORK reindex {patient}          .-  given a patient
WORK discard {pack}             .-  given a pack that nobody names
WORK verify 2026-01-01          .-
WORK physician {link}           .-  given a spelling linked
WORK retire {leaving}           .-  given a key left
# What a keeper began, and what is on record since then, is only gone on with.
WORK destroy {certificate}      ..  given a study destroyed
""",
    COLUMNS,
)

# What each job may do at the gate, and nothing besides.
MAY: Final = {
    "derive": {"job:derived"},
    "compare": {"job:derived"},
    "verify": {"log:verified"},
    "physician": {"study:assigned"},
    "tend": {
        "archive:scrubbed",
        "archive:checked",
        "archive:rebuilt",
        "archive:swept",
        "archive:reindexed",
        "archive:compacted",
    },
    "destroy": {"study:destroyed", "study:destruction-read"},
    "rekey": {"study:rekeyed", "key:changed", "key:rotated", "key:epoch-ended", "key:recovered"},
    "backup": {"backup:created", "backup:verified", "backup:restored"},
}
