"""A hospital to look around in: sample people, two modalities, and sample studies sent by them."""

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management import call_command

from keystore import secretfiles
from pacs import demo_images

GROUPS: Final = ("Radiology", "Cardiology")
STAFF: Final = (
    ("rosa", "clinician", "Radiology"),
    ("carl", "clinician", "Cardiology"),
    ("tom", "technologist", "Radiology"),
    ("ada", "administrator", ""),
    ("paul", "privacy officer", ""),
)
DEVICES: Final = {"DEMO_CT": "Radiology", "DEMO_US": "Cardiology"}
RADIOLOGY: Final = frozenset({"CT", "MR", "CR", "DX", "PT", "NM"})
MOST_FILES: Final = 450


@dataclass(frozen=True)
class Sample:
    """One DICOM file and the modality that will send it."""

    sender: str
    part10: bytes


def people_file() -> Path:
    """Return where the demo keeps what it prints; only a demo has such a file."""
    return Path(settings.PACS_SECRETS_DIR) / "people.json"


def is_demo() -> bool:
    """Return whether this installation lies in a folder named demo, as `make demo` places it."""
    return settings.PACS_DATA_DIR.parent.name == "demo" and settings.PACS_DATA_DIR.parent == settings.PACS_SECRETS_DIR


def _told(*arguments: str) -> dict[str, Any]:
    """Run one of our commands and return what it tells."""
    out = io.StringIO()
    call_command(*arguments, "--json", stdout=out)
    found: dict[str, Any] = json.loads(out.getvalue())
    return found


def settle_people() -> list[dict[str, Any]]:
    """Make groups, devices and staff once; return each person with password and TOTP address."""
    kept = people_file()
    if kept.exists():
        people: list[dict[str, Any]] = json.loads(kept.read_text(encoding="utf-8"))
        return people
    for group in GROUPS:
        _told("group", "add", group)
    for title, group in DEVICES.items():
        _told("device", "add", title, "--address", "127.0.0.1/32", "--group", group)
    people = []
    for name, role, group in STAFF:
        made = _told("person", "add", name, "--role", role, *(("--group", group) if group else ()))
        people.append({"role": role, "group": group, **made})
    secretfiles.write(kept, json.dumps(people).encode())
    return people


def samples() -> Iterator[Sample]:
    """Yield sample files: real ones from PACS_TEST_DATA where that is present, else synthetic ones."""
    manifest = Path(settings.PACS_TEST_DATA) / "MANIFEST.tsv"
    if not manifest.is_file():
        yield from (Sample("DEMO_CT", part10) for part10 in demo_images.studies())
        return
    with manifest.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file, delimiter="\t") if row["study_uid"] and row["sop_uid"]]
    for row in rows[:MOST_FILES]:
        sender = "DEMO_CT" if row["modality"] in RADIOLOGY else "DEMO_US"
        yield Sample(sender, (manifest.parent / row["path"]).read_bytes())


def send(files: Iterable[Sample]) -> tuple[int, int]:
    """Store the samples as their modalities would; return how many are in and how many were refused."""
    from accounts import devices, identify
    from archive import ingest
    from archive.errors import ArchiveError

    senders = {}
    for title in DEVICES:
        device = devices.find(title, "127.0.0.1")
        if device is not None:
            senders[title] = identify.device_actor(device, "127.0.0.1", title)
    tickets = [ingest.submit(senders[sample.sender], sample.part10) for sample in files]
    refused = 0
    for ticket in tickets:
        try:
            ticket.result(120)
        except ArchiveError:
            refused += 1
    ingest.stop()
    return len(tickets) - refused, refused
