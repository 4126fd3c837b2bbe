"""The index: derived from packs and key table; clear columns (docs/THREATS.md), sealed cells, search tokens.

A column named `*_cell` holds a sealed object of kind 7 (`vault.cells`), its row being the row's own id.
"""

from uuid import uuid4

from django.db import models


class StudyKey(models.Model):
    """A wrapped key of one study or patient. `subject` is the study UID, or the patient's pseudonym in hexadecimal.

    `owner` is the id of the study's or patient's row, which is that of its first key. A study has one key of the scope
    `study`, which seals. One that it replaced is `leaving` while anything may still lie under it, and `former` once
    nothing does: then it opens details in the log, which nobody can seal anew, and no more.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    owner = models.UUIDField()
    scope = models.CharField(max_length=8)  # "study", "leaving", "former" or "patient"
    subject = models.CharField(max_length=64)
    epoch = models.UUIDField()
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scope", "subject"], condition=models.Q(scope__in=("study", "patient")), name="one_key"
            )
        ]
        indexes = [models.Index(fields=["subject"], name="key_subject")]


class Patient(models.Model):
    """(issuer, id), found by pseudonym. Cells are sealed under the patient's key, whose owner this row is."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    pseudonym = models.CharField(max_length=32, unique=True)
    key = models.ForeignKey(StudyKey, on_delete=models.PROTECT, related_name="+")
    # Under the patient's key: they tell another spelling under the same id without opening anything. Empty for none.
    name_digest = models.CharField(max_length=32, blank=True)
    birth_date_digest = models.CharField(max_length=32, blank=True)
    name_cell = models.BinaryField(default=bytes)
    patient_id_cell = models.BinaryField(default=bytes)
    issuer_cell = models.BinaryField(default=bytes)
    other_ids_cell = models.BinaryField(default=bytes)
    birth_date_cell = models.BinaryField(default=bytes)
    sex_cell = models.BinaryField(default=bytes)


class Phrase(models.Model):
    """A dictionary row: one spelling of a physician or description, sealed under the field key, tokens kept once."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    column = models.PositiveSmallIntegerField()
    digest = models.CharField(max_length=32)  # 16 bytes of the column's HMAC over the exact value
    value_cell = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["column", "digest"], name="one_phrase")]


class Study(models.Model):
    """One study. The row has the id of its first key, so that whoever wins the race for the key decides both.

    `key` is the present one, which seals what is new; whatever is stored names its own.
    """

    id = models.UUIDField(primary_key=True, default=uuid4)
    uid = models.CharField(max_length=64, unique=True)
    patient = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="studies")
    key = models.ForeignKey(StudyKey, on_delete=models.PROTECT, related_name="+")
    date = models.CharField(max_length=8, blank=True)
    time = models.CharField(max_length=16, blank=True)
    modalities = models.CharField(max_length=120, blank=True)  # distinct, sorted, backslash between
    series_count = models.PositiveIntegerField(default=0)
    instance_count = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField(default=0)
    sender = models.CharField(max_length=64, blank=True)
    first_received_at = models.DateTimeField()
    last_received_at = models.DateTimeField(db_index=True)
    held_count = models.PositiveIntegerField(default=0)
    same_count = models.PositiveIntegerField(default=0)  # re-encodings with equal content, noted and released
    identity_differs = models.BooleanField(default=False)  # another name or birth date under the same patient id
    accession_cell = models.BinaryField(default=bytes)
    study_id_cell = models.BinaryField(default=bytes)
    named = models.BooleanField(default=False)  # its images say a name; else nothing of the patient's row goes with it
    name_cell = models.BinaryField(default=bytes)  # only where it differs from the patient's
    birth_date_cell = models.BinaryField(default=bytes)  # likewise
    description = models.ForeignKey(Phrase, on_delete=models.PROTECT, null=True, related_name="+")
    referring = models.ForeignKey(Phrase, on_delete=models.PROTECT, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["-date", "-uid"], name="study_newest")]


class Series(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid4)
    uid = models.CharField(max_length=64)
    # `one_series` begins with the study: an index of its own would say the same again.
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="series", db_index=False)
    modality = models.CharField(max_length=16, blank=True)
    number = models.IntegerField(null=True)
    date = models.CharField(max_length=8, blank=True)
    time = models.CharField(max_length=16, blank=True)
    description = models.ForeignKey(Phrase, on_delete=models.PROTECT, null=True, related_name="+")
    performing = models.ForeignKey(Phrase, on_delete=models.PROTECT, null=True, related_name="+")
    instance_count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["study", "uid"], name="one_series")]
        # Those that end in the study tell which studies have it, and whether one has, without its series being read.
        indexes = [
            models.Index(fields=["uid"], name="series_uid"),
            *(models.Index(fields=[one, "study"], name=f"series_{one}") for one in ("number", "date", "modality")),
        ]


class Pack(models.Model):
    """A file of sealed records of one study, written by one process and never reopened for writing."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    study = models.UUIDField()  # the study row's id: part of the path, so that no UID reaches the file system
    name = models.CharField(max_length=120, unique=True)
    compacted_at = models.DateTimeField(null=True)  # when objects of older packs were brought into it, if ever
    removed_at = models.DateTimeField(null=True)  # when its file went; nobody names it again (archive.tending.naming)
    owed = models.BooleanField(default=False)  # whether it may hold what has no rows yet (archive.owed)

    class Meta:
        indexes = [models.Index(fields=["study"], name="pack_owed", condition=models.Q(owed=True))]


class Sealed(models.Model):
    """One sealed object (header and body): it begins at `offset` in its pack."""

    offset = models.PositiveBigIntegerField()
    length = models.PositiveBigIntegerField()
    key_id = models.UUIDField()
    generation = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class Stored(Sealed):
    """A sealed object that always lies somewhere."""

    pack = models.ForeignKey(Pack, on_delete=models.PROTECT, related_name="+")

    class Meta:
        abstract = True


class Instance(Stored):
    """A SOP instance. `id` is the object id of its sealed bytes, which are a DICOM file (PS3.10) as received."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="instances")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="instances", db_index=False)
    uid = models.CharField(max_length=64)
    current = models.BooleanField(default=True)  # False once a person accepted a newer one: originals stay
    sop_class = models.CharField(max_length=64)
    transfer_syntax = models.CharField(max_length=64)
    number = models.IntegerField(null=True)
    rows = models.PositiveIntegerField(null=True)
    columns = models.PositiveIntegerField(null=True)
    bits_allocated = models.PositiveSmallIntegerField(null=True)
    frames = models.PositiveIntegerField(default=0)
    size = models.PositiveBigIntegerField()  # of the plaintext file
    dataset_offset = models.PositiveIntegerField()  # where the data set begins in it
    frame_table_cell = models.BinaryField(default=bytes)  # where each frame lies in it (archive.frames)
    sender = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField()
    sha256 = models.CharField(max_length=64, blank=True)  # of the plaintext file, taken when it was read back
    verified_at = models.DateTimeField(null=True)
    damaged_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["uid"], condition=models.Q(current=True), name="one_current_instance")
        ]
        indexes = [models.Index(fields=["series", "number"], name="instance_order")]  # that of the series as well


class Rendition(Stored):
    """A derived object, made after the answer: sealed metadata (kind 2) or a preview (kind 3). Can be made again."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="+")
    series = models.ForeignKey(Series, on_delete=models.CASCADE, related_name="+")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, null=True, related_name="renditions")
    kind = models.PositiveSmallIntegerField()
    form = models.CharField(max_length=20)  # "json", "jpeg-200"
    covers = models.PositiveIntegerField(default=1)  # instances in it: a series' metadata is stale when this differs
    size = models.PositiveBigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["instance", "form"], condition=models.Q(instance__isnull=False), name="one_instance_rendition"
            ),
            models.UniqueConstraint(
                fields=["series", "form"], condition=models.Q(instance=None), name="one_series_rendition"
            ),
        ]


class Held(Sealed):
    """A newcomer under a known SOP Instance UID, sealed as kind 4 until a person decides."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="held")
    instance = models.ForeignKey(Instance, on_delete=models.CASCADE, related_name="held")
    # None once it was found the same: its bytes are released, and its digest alone recognises the next one.
    pack = models.ForeignKey(Pack, on_delete=models.PROTECT, null=True, related_name="+")
    state = models.CharField(max_length=12, default="comparing")  # comparing, same, held, accepted, rejected
    reason = models.CharField(max_length=200, blank=True)
    sop_class = models.CharField(max_length=64)
    study_uid = models.CharField(max_length=64)  # as the newcomer says, which may be another one than the original's
    series_uid = models.CharField(max_length=64)
    transfer_syntax = models.CharField(max_length=64)
    digest = models.CharField(max_length=32)  # keyed, of data set and syntax: the same newcomer again is not held twice
    size = models.PositiveBigIntegerField()
    dataset_offset = models.PositiveIntegerField()
    sender = models.CharField(max_length=64, blank=True)
    received_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True)
    decided_by = models.CharField(max_length=150, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["instance", "digest"], name="one_newcomer")]
        indexes = [models.Index(fields=["study", "state"], name="held_state")]


class SearchToken(models.Model):
    """One blind index entry. `column` is `archive.columns.Column`; candidates only, the opened cell decides."""

    column = models.PositiveSmallIntegerField()
    token = models.BigIntegerField()

    class Meta:
        abstract = True


class PatientToken(SearchToken):
    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="tokens")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["column", "token", "patient"], name="one_patient_token")]


class StudyToken(SearchToken):
    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="tokens")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["column", "token", "study"], name="one_study_token")]


class PhraseToken(SearchToken):
    phrase = models.ForeignKey(Phrase, on_delete=models.CASCADE, related_name="tokens")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["column", "token", "phrase"], name="one_phrase_token")]


class Job(models.Model):
    """The promise of background work, written with its cause. A message only wakes a worker; this row is the truth."""

    id = models.UUIDField(primary_key=True, default=uuid4)
    kind = models.CharField(max_length=20)
    subject = models.CharField(max_length=80)
    state = models.CharField(max_length=8, default="due")  # due, claimed, done, failed
    due_at = models.DateTimeField()
    claimed_until = models.DateTimeField(null=True)
    claimed_by = models.CharField(max_length=64, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["kind", "subject"],
                condition=models.Q(state="due"),  # while one runs: what arrives meanwhile is not forgotten
                name="one_due_job",
            )
        ]
        indexes = [models.Index(fields=["state", "due_at"], name="job_due")]


from archive.backup.rows import BackupPlace as BackupPlace  # noqa: E402 - Django finds every table from here
from archive.fixity.rows import Finding as Finding  # noqa: E402
from archive.fixity.rows import Scrub as Scrub  # noqa: E402
from archive.rebuilding.rows import Unnamed as Unnamed  # noqa: E402
from archive.tending.rows import Reindexing as Reindexing  # noqa: E402
