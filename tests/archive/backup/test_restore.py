"""The restore drill: on a machine with only the backup and the root key, or three shares, everything is there again."""

import pytest

from tests.archive.backup.conftest import Clinic, Machine, everything, same_root

pytestmark = pytest.mark.both_databases


def test_with_the_root_key_every_image_comes_back_byte_for_byte(clinic: Clinic, elsewhere: Machine) -> None:
    made = clinic.backup()
    print(made)
    same_root(clinic, elsewhere)
    done = elsewhere.told("backup", "restore", str(clinic.vault))
    print(done)
    assert everything(elsewhere, clinic.radiologist, clinic.actor_of) == clinic.sent
    check = clinic.told("backup", "verify", str(clinic.vault))
    print(check)
    print(elsewhere.command("audit", "verify").stdout)
