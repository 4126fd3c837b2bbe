"""The root key file: made once, read only where nobody else can reach it, refused in words that help."""

import os
import stat
from pathlib import Path
from uuid import uuid4

import pytest
from pytest_django import Settings

from keystore import roots
from keystore.errors import RootKeyError
from vault.random import new_secret


@pytest.fixture
def place(tmp_path: Path, settings: Settings) -> Path:
    """Where a root key may lie: beside, not inside, the data directory."""
    settings.PACS_DATA_DIR = tmp_path / "data"
    settings.PACS_DATA_DIR.mkdir()
    roots.forget()
    return tmp_path / "keys" / "root.key"


def opened(path: Path) -> roots.Root:
    roots.forget()
    return roots.from_url(f"file:{path}")


def test_a_new_root_key_can_be_read_by_its_owner_alone(place: Path) -> None:
    roots.create_file(place)
    assert stat.S_IMODE(place.stat().st_mode) == 0o400
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    assert [path.name for path in place.parent.iterdir()] == ["root.key"]


def test_a_root_key_is_never_overwritten(place: Path) -> None:
    roots.create_file(place)
    before = place.read_bytes()
    with pytest.raises(RootKeyError, match="never overwritten"):
        roots.create_file(place)
    assert place.read_bytes() == before
    assert [path.name for path in place.parent.iterdir()] == ["root.key"]


def test_a_dangling_link_is_not_followed_when_the_key_is_made(place: Path) -> None:
    place.parent.mkdir()
    place.symlink_to(place.parent / "elsewhere")
    with pytest.raises(RootKeyError):
        roots.create_file(place)
    assert not (place.parent / "elsewhere").exists()


def test_two_roots_are_never_the_same_and_keep_their_id(place: Path) -> None:
    roots.create_file(place)
    other = place.with_name("other.key")
    roots.create_file(other)
    assert opened(place).id == opened(place).id
    assert opened(place).id != opened(other).id


def test_a_root_opens_what_it_wrapped_and_nothing_else(place: Path) -> None:
    roots.create_file(place)
    roots.create_file(place.with_name("other.key"))
    secret, key_id = new_secret(), uuid4()
    wrapped = opened(place).wrap(key_id, secret)
    assert opened(place).unwrap(key_id, wrapped) == secret
    with pytest.raises(RootKeyError, match="does not open"):
        opened(place.with_name("other.key")).unwrap(key_id, wrapped)
    with pytest.raises(RootKeyError):
        opened(place).unwrap(uuid4(), wrapped)
    with pytest.raises(RootKeyError):
        opened(place).unwrap(key_id, wrapped[:-1])


def test_a_root_shows_its_place_but_never_its_key(place: Path) -> None:
    roots.create_file(place)
    encoded = place.read_text().split()[1]
    root = opened(place)
    assert str(place) in root.describe()
    assert isinstance(root, roots.FileRoot)
    assert encoded not in repr(root)
    assert repr(root.secret) not in repr(root)


@pytest.mark.parametrize("mode", [0o440, 0o404, 0o420, 0o402, 0o410, 0o401, 0o644])
def test_a_key_that_others_can_reach_is_refused(place: Path, mode: int) -> None:
    roots.create_file(place)
    place.chmod(mode)
    with pytest.raises(RootKeyError, match="chmod 0400"):
        opened(place)


def test_a_missing_key_is_refused(place: Path) -> None:
    with pytest.raises(RootKeyError, match="no root key"):
        opened(place)


def test_what_is_no_file_is_refused(place: Path) -> None:
    place.parent.mkdir()
    os.mkfifo(place, 0o400)
    with pytest.raises(RootKeyError, match="not a file"):
        opened(place)
    with pytest.raises(RootKeyError, match="not a file"):
        opened(place.parent)


def test_what_cannot_be_opened_is_refused(place: Path) -> None:
    place.parent.mkdir()
    (place.parent / "file").touch()
    with pytest.raises(RootKeyError, match="cannot be read"):
        opened(place.parent / "file" / "root.key")


@pytest.mark.parametrize(
    "content",
    [
        "",
        "\n",
        "custos-root-1",
        "custos-root-1 \n",
        "custos-root-2 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
        "custos-root-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==\n",
        "custos-root-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\n",
        "custos-root-1 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\nmore\n",
        "custos-root-1 not*base64\n",
        "custos-root-1 " + "A" * 5000 + "\n",
    ],
)
def test_a_file_that_holds_no_root_key_is_refused_without_showing_it(place: Path, content: str) -> None:
    place.parent.mkdir()
    place.write_text(content)
    place.chmod(0o400)
    with pytest.raises(RootKeyError, match="holds no root key") as refusal:
        opened(place)
    assert "AAAA" not in str(refusal.value)


def test_a_key_inside_the_data_directory_is_refused(place: Path, settings: Settings) -> None:
    inside = settings.PACS_DATA_DIR / "keys" / "root.key"
    roots.create_file(inside)
    with pytest.raises(RootKeyError, match="PACS_DATA_DIR"):
        opened(inside)
    link = place.with_name("link.key")
    link.parent.mkdir()
    link.symlink_to(inside)
    with pytest.raises(RootKeyError, match="PACS_DATA_DIR"):
        opened(link)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_key_that_belongs_to_another_user_is_refused(place: Path) -> None:
    roots.create_file(place)
    os.chown(place, 12345, 12345)
    with pytest.raises(RootKeyError, match="another user"):
        opened(place)


@pytest.mark.parametrize("url", ["", "file:", "vault:x", "/root.key", "pkcs11:token=x"])
def test_a_url_that_names_no_known_provider_is_refused(place: Path, url: str) -> None:
    with pytest.raises(RootKeyError, match="PACS_KEK_URL"):
        roots.from_url(url)


def test_a_root_is_opened_once_until_forgotten(place: Path) -> None:
    roots.create_file(place)
    first = opened(place)
    place.chmod(0o600)
    place.unlink()
    assert roots.from_url(f"file:{place}") is first
    assert roots.from_url(f"file:{place}").id == first.id
    with pytest.raises(RootKeyError):
        opened(place)


def test_a_circle_of_links_is_refused(place: Path) -> None:
    place.parent.mkdir()
    place.symlink_to(place)
    with pytest.raises(RootKeyError, match="cannot be read"):
        opened(place)
    with pytest.raises(RootKeyError, match="never overwritten"):
        roots.create_file(place)


def test_a_file_that_fails_while_it_is_read_is_refused(place: Path) -> None:
    failing = Path("/proc/self/mem")
    if not failing.exists():
        pytest.skip("no file that always fails is here")
    with pytest.raises(RootKeyError, match="cannot be read"):
        opened(failing)
