"""The worked example of docs/FORMAT.md is computed, not copied: every number in it is checked against the vectors."""

import json
import re
from base64 import b64decode
from pathlib import Path

from tools import read_object as second_reader
from vault.objects import Kind

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "FORMAT.md").read_text(encoding="utf-8")
VECTORS = Path(__file__).parent / "vectors"


def shown(label: str) -> bytes:
    """The bytes that stand behind a label in the example, over as many lines as they take."""
    found = re.search(rf"^{label} +((?:[0-9a-f]{{2,}}[ \n]+)+)", PAGE, re.MULTILINE)
    assert found is not None
    return bytes.fromhex(found[1])


def test_the_worked_example_is_true() -> None:
    vectors = json.loads((VECTORS / "objects.json").read_text(encoding="utf-8"))
    vector = next(vector for vector in vectors if vector["name"] == "instance")
    sealed, secret = b64decode(vector["sealed"]), bytes.fromhex(vector["secret"])
    assert shown("header") + shown("salt") + shown("commitment") + shown("chunk 0") == sealed
    slots = b"".join(len(slot).to_bytes(2, "big") + slot for slot in map(bytes.fromhex, vector["slots"]))
    assert shown("context") == b"custos/object/v1" + shown("header") + slots
    info = b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0" + shown("salt") + shown("context")
    derived = second_reader.expand(secret, info, 76)
    assert shown("key") + shown("base nonce") + shown("commitment") == derived
    assert shown("plaintext") == bytes.fromhex(vector["plaintext"])
    assert f"{len(sealed)} bytes in all" in PAGE


def test_the_token_of_the_example_is_true() -> None:
    vectors = json.loads((VECTORS / "tokens.json").read_text(encoding="utf-8"))
    assert f"`{vectors['column_key']}`" in PAGE
    terms = vectors["values"][0]["terms"]
    assert next(number for *term, number in terms if term == ["e", "a", "muller"]) in PAGE


def test_the_page_names_every_kind() -> None:
    table = PAGE[PAGE.index("## 2. Slots") : PAGE.index("## 3. Keys")]
    named = [int(number) for number in re.findall(r"^\| (\d) \|", table, re.MULTILINE)]
    assert named == [int(kind) for kind in Kind]
