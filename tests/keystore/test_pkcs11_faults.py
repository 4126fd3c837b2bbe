"""What an operator is told about each fault of a token, its PIN and its key; a wrong PIN is tried once, ever."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pytest_django import Settings

from keystore import roots
from keystore.errors import RootKeyError
from keystore.roots import pins
from tests.keystore import softhsm
from tests.keystore.softhsm import OFFICER, PIN, Hsm

pytestmark = pytest.mark.softhsm
WRONG = "9999-a-wrong-pin"


@pytest.fixture
def hsm(tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hsm]:
    """A token with a root key in it."""
    settings.PACS_DATA_DIR = tmp_path / "data"
    settings.PACS_DATA_DIR.mkdir()
    roots.forget()
    made = softhsm.make(tmp_path / "hsm", monkeypatch)
    roots.create(made.url())
    roots.forget()
    yield made
    roots.forget()


def key(hsm: Hsm, *attributes: str, kind: str = "AES:32") -> None:
    hsm.tool("--delete-object", "--type", "secrkey", "--label", "root")
    hsm.tool("--keygen", "--key-type", kind, "--label", "root", *attributes)


def fifo(hsm: Hsm) -> None:
    hsm.pin.unlink()
    os.mkfifo(hsm.pin, 0o400)


def loop(hsm: Hsm) -> None:
    hsm.pin.unlink()
    hsm.pin.symlink_to(hsm.pin)


FAULTS: dict[str, tuple[Callable[[Hsm], object], str]] = {
    "the token is not there": (lambda hsm: hsm.tokens.rename(hsm.root / "away"), "PKCS#11 library .* does not start"),
    "the token has another label": (
        lambda hsm: hsm.run("softhsm2-util", "--delete-token", "--token", "custos"),
        "There is no token 'custos'",
    ),
    "two tokens have the label": (lambda hsm: hsm.init("custos"), "More than one token .* add serial="),
    "the key is not there": (
        lambda hsm: hsm.tool("--delete-object", "--type", "secrkey", "--label", "root"),
        "There is no key 'root' in the token 'custos'; restore",
    ),
    "two keys have the label": (
        lambda hsm: hsm.tool("--keygen", "--key-type", "AES:32", "--label", "root", "--sensitive"),
        "There is more than one key 'root'",
    ),
    "the key can be taken out": (lambda hsm: key(hsm, "--sensitive", "--extractable"), "can be read out of it"),
    "the key can be read": (lambda hsm: key(hsm, "--extractable"), "can be read out of it"),
    "the key is short": (lambda hsm: key(hsm, "--sensitive", kind="AES:16"), "no AES key of 256 bits"),
    "the key is of another kind": (lambda hsm: key(hsm, "--sensitive", kind="GENERIC:32"), "no AES key of 256 bits"),
    "the PIN is wrong": (lambda hsm: hsm.write_pin(WRONG), "refuses the PIN in .*write the right one"),
    "the PIN's file is not there": (lambda hsm: hsm.pin.unlink(), "There is no PIN in .*pin-source"),
    "others can read the PIN": (lambda hsm: hsm.pin.chmod(0o440), "Others than its owner .* PIN .*chmod 0400"),
    "the PIN's file is a pipe": (fifo, "PIN .* is not a file"),
    "the PIN's file is a circle of links": (loop, "PIN .* cannot be read"),
    "the PIN's file is empty": (lambda hsm: hsm.write_pin(""), "holds no PIN"),
    "the PIN's file has two lines": (lambda hsm: hsm.write_pin(f"{PIN}\n{PIN}"), "holds no PIN"),
    "the PIN's file is long": (lambda hsm: hsm.write_pin("7" * 300), "holds no PIN"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_told_in_an_operators_words(hsm: Hsm, fault: str) -> None:
    cause, words = FAULTS[fault]
    cause(hsm)
    for _ in range(2):
        roots.forget()
        with pytest.raises(RootKeyError) as refusal:
            roots.from_url(hsm.url())
        said = f"{refusal.value} {refusal.value!r} {refusal.value.__cause__!r}"
        for secret in (PIN, WRONG, OFFICER):
            assert secret not in said
        if "PIN is wrong" not in fault:
            refusal.match(words)
    if "PIN is wrong" in fault:
        refusal.match("refused the PIN")


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pkcs11:token=x", "lacks object and module-path and pin-source"),
        ("pkcs11:token=x;object=y?module-path=/m&pin-value=4711", "holds the PIN itself"),
        ("pkcs11:token=x;object=y;pin-value=4711?module-path=/m&pin-source=/p", "holds the PIN itself"),
        ("pkcs11:token=x;token=z;object=y?module-path=/m&pin-source=/p", "names token twice"),
        ("pkcs11:token=x;object=y?module-path=m.so&pin-source=/p", "absolute paths"),
        ("pkcs11:token=x;object=y?module-path=/m&pin-source=p", "absolute paths"),
        ("pkcs11:token=x;object=y?module-path=/m&pin-source=|cat /p", "absolute paths"),
        ("pkcs11:token=x;object=y;type=private?module-path=/m&pin-source=/p", "must name a secret key"),
        ("pkcs11:token=%ff;object=y?module-path=/m&pin-source=/p", "token is not UTF-8"),
        ("pkcs11:token=x;object=y;slot-id=0?module-path=/m&pin-source=/p", "must consist of"),
        ("pkcs11:token=x;object=y?module-path=/nowhere/lib.so&pin-source=/p", "There is no PKCS#11 library"),
        ("pkcs11:token=x;object=y?module-path=/etc/passwd&pin-source=/p", "no PKCS#11 library that can be loaded"),
    ],
)
def test_a_url_that_names_no_key_is_refused_without_repeating_a_pin(
    settings: Settings, tmp_path: Path, url: str, words: str
) -> None:
    settings.PACS_DATA_DIR = tmp_path
    with pytest.raises(RootKeyError, match=words) as refusal:
        roots.from_url(url)
    assert "4711" not in str(refusal.value)


def test_blanks_and_signs_of_labels_are_written_as_in_urls(hsm: Hsm) -> None:
    hsm.init("a b;c,d")
    url = hsm.url("the root=1", "a b;c,d")
    assert "," not in url
    assert "a b;c,d" in roots.create(url)
    assert roots.from_url(url).id == roots.from_url(url).id


def test_a_serial_number_tells_two_tokens_apart(hsm: Hsm) -> None:
    listed = hsm.run("pkcs11-tool", "--module", str(hsm.module), "--list-slots").splitlines()
    serial = next(line.split(":")[1].strip() for line in listed if "serial num" in line)
    before = roots.from_url(hsm.url()).id
    hsm.init("custos")
    roots.forget()
    url = hsm.url().replace(";object", f";serial={serial};object")
    assert roots.from_url(url).id == before


def low(hsm: Hsm) -> bool:
    """Whether the token counts a wrong PIN since the last right one."""
    return "user PIN count low" in hsm.run("pkcs11-tool", "--module", str(hsm.module), "--list-slots")


def test_a_wrong_pin_is_tried_once_until_its_file_changes(hsm: Hsm, settings: Settings) -> None:
    hsm.write_pin(WRONG)
    with pytest.raises(RootKeyError, match="refuses the PIN"):
        roots.from_url(hsm.url())
    assert low(hsm)
    hsm.tool("--list-objects")  # The right PIN, by another program: the token forgets that a wrong one was tried.
    assert not low(hsm)
    for _ in range(5):
        roots.forget()
        with pytest.raises(RootKeyError, match="not tried again"):
            roots.from_url(hsm.url())
    assert not low(hsm)
    note = settings.PACS_DATA_DIR / pins.NOTE
    assert WRONG.encode() not in note.read_bytes()
    assert not note.stat().st_mode & 0o077
    os.utime(hsm.pin)
    with pytest.raises(RootKeyError, match="refuses the PIN"):
        roots.from_url(hsm.url())
    assert low(hsm)
    hsm.write_pin(PIN)
    assert roots.from_url(hsm.url()).id


def test_neither_pin_nor_key_shows_itself(hsm: Hsm, caplog: pytest.LogCaptureFixture) -> None:
    root = roots.from_url(hsm.url())
    shown = f"{root!r} {root.describe()} {caplog.text}"
    assert PIN not in shown
    assert "root" in root.describe()
    assert "custos" in root.describe()
