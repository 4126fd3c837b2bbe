"""A study whose packs are kept in a bucket under a new key, though the bucket fails on the way."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command

from archive import ingest, keyring, stores
from archive.models import Instance, StudyKey
from audit import s3
from tests import builders
from tests.archive.keeping.test_rekey import work
from tests.archive.test_ingest import opened
from tests.archive.test_s3 import OnBucket
from tests.archive.test_s3 import on_bucket as on_bucket
from tests.conftest import forget_everything


def test_a_study_in_a_bucket_is_sealed_anew_though_the_bucket_fails_meanwhile(
    on_bucket: OnBucket, modality: Any, radiologist: Any, actor_of: Any
) -> None:
    sent = {str(ds.SOPInstanceUID): builders.part10(ds) for ds in builders.study(3)}
    (uid,) = {ingest.store(actor_of(modality), one).study_uid for one in sent.values()}
    ingest.stop()
    before = {one.name for one in stores.store().lying()}
    secret = keyring.hold(StudyKey.objects.get(scope="study"))
    assert on_bucket.place is not None
    on_bucket.place.proxy.fail("PUT", "busy", s3.ATTEMPTS)
    with pytest.raises(CommandError, match="durable"):
        call_command("keys", "rekey", uid, "--json")
    key = StudyKey.objects.get(scope="study").id
    call_command("keys", "rekey", uid, "--json")
    work("retire", "discard")
    assert secret != keyring.hold(StudyKey.objects.get(scope="study"))
    assert {one.key_id for one in Instance.objects.all()} == {key}
    assert before.isdisjoint(one.name for one in stores.store().lying())
    forget_everything()
    assert {one.uid: opened(actor_of(radiologist), one) for one in Instance.objects.all()} == sent
