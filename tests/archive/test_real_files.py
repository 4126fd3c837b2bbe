"""Every sample file that is acceptable goes in and comes out as it was; re-encodings of one image are known as such."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archive import ingest
from archive.dataset import facts
from archive.errors import ArchiveError
from archive.models import Held, Instance, Study
from tests.archive.test_ingest import opened
from tests.archive.test_reconcile import compare_all

Actors = Callable[[Any], Any]


@pytest.mark.slow
def test_everything_acceptable_goes_in_and_comes_out_as_it_was(
    sample_data: Path, modality: Any, radiologist: Any, actor_of: Actors
) -> None:
    with (sample_data / "MANIFEST.tsv").open() as manifest:
        files = {
            row["path"]: (sample_data / row["path"]).read_bytes() for row in csv.DictReader(manifest, delimiter="\t")
        }
    sender = actor_of(modality)
    tickets = {path: ingest.submit(sender, data) for path, data in files.items()}
    statuses: Counter[str] = Counter()
    stored: dict[str, str] = {}
    for path, ticket in tickets.items():
        try:
            result = ticket.result(100)
        except ArchiveError as error:
            statuses[type(error).__name__] += 1
            continue
        statuses[result.status] += 1
        if result.status == "stored":
            stored[result.sop_uid] = path
    assert statuses["stored"] == Instance.objects.count() > 450
    assert statuses["held"] + statuses["same"] > 60
    assert statuses["Unavailable"] == 0
    assert len(set(Instance.objects.values_list("transfer_syntax", flat=True))) >= 12
    actor = actor_of(radiologist)
    for row in Instance.objects.select_related("study", "series", "pack").order_by("?")[:60]:
        assert opened(actor, row) == files[stored[row.uid]]
    assert sum(Study.objects.values_list("instance_count", flat=True)) == statuses["stored"]


@pytest.mark.slow
def test_one_image_in_many_encodings_is_one_image(sample_data: Path, modality: Any, actor_of: Actors) -> None:
    """One CT image in nine lossless transfer syntaxes: pure re-encodings are the same, others wait for a person."""
    sender = actor_of(modality)
    files = [path.read_bytes() for path in sorted(sample_data.glob("cornerstonejs__cornerstone3D/**/CTImage.dcm*"))]
    # The lossy ones were given UIDs of their own, as PS3.4 wants it.
    family = [data for data in files if facts(data).sop_uid == facts(files[0]).sop_uid]
    assert len(family) >= 9
    said = [ingest.store(sender, data).status for data in family]
    assert said[0] == "stored"
    assert set(said[1:]) <= {"held", "same"}
    compare_all()
    kept = {row.transfer_syntax: row.reason for row in Held.objects.exclude(state="same")}
    # The two JPEG ones carry a derivation description that the others lack; in the big endian one the private values
    # were not swapped by whoever made it. A person may decide that; the program does not.
    assert set(kept) == {"1.2.840.10008.1.2.2", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70"}
    assert all("attributes differ" in reason for reason in kept.values())
    study = Study.objects.get()
    same = set(Held.objects.filter(state="same").values_list("transfer_syntax", flat=True))
    assert {f"1.2.840.10008.1.2.{syntax}" for syntax in ("1", "1.99", "4.80", "4.90", "5")} == same
    assert (study.instance_count, study.held_count, study.same_count) == (1, 3, 5)
