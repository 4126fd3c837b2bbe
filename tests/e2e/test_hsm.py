"""A whole archive whose root key is in a token: set up, filled, started again, and told apart from another token."""

from pathlib import Path

import pytest

from tests import builders
from tests.e2e.conftest import populate
from tests.e2e.running import Archive, running
from tests.e2e.traffic import FRAMES, frame_url, stow
from tests.keystore import softhsm

pytestmark = [pytest.mark.softhsm, pytest.mark.slow, pytest.mark.timeout(300)]


def test_an_archive_on_a_token_stores_starts_again_and_gives_back_every_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hsm = softhsm.make(tmp_path / "hsm", monkeypatch)
    archive = Archive(tmp_path / "custos", {"PACS_KEK_URL": hsm.url(), **hsm.environment})
    (archive.root / "tmp").mkdir(parents=True)
    archive.manage("setup")
    logins = populate(archive)
    assert not list(archive.root.rglob("root.key")), "no root key lies in a file"
    image = builders.ct_slice()
    with running(archive):
        assert stow(archive.session(logins["tom"].token), archive, [image]).status_code == 200

    hsm.tokens.rename(hsm.root / "away")
    refused = archive.manage("serve", "all", check=False)
    assert refused.returncode == 78, refused.stderr
    assert "token" in refused.stderr.lower()
    assert softhsm.PIN not in refused.stdout + refused.stderr
    (hsm.root / "away").rename(hsm.tokens)

    with running(archive):
        reader = archive.session(logins["rosa"].token)
        answer = reader.get(frame_url(archive, image), headers={"Accept": FRAMES})
        assert answer.status_code == 200
        assert bytes(image.PixelData) in answer.content
    assert softhsm.PIN not in archive.log.read_text()
