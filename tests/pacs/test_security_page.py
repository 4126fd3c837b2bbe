"""What the page of requirements names as proof is there, and every requirement stands in one place."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "SECURITY.md").read_text(encoding="utf-8")
PROOF = re.compile(r"`([a-z0-9_/]+\.py)::(test_\w+)`")
MET, NOT_MET = PAGE.split("\n## Not met, or without an object\n")
ROW = re.compile(r"^\| ([0-9][^|]*) \| ([^|]+) \|(?: (.+) \|)?$", re.MULTILINE)
IDENTIFIER = re.compile(r"\b\d{1,2}\.\d{1,2}\.\d{1,2}\b")

# Of levels 1 and 2, what concerns an archive; of level 3, what may be asked of one.
YARDSTICK = """
    1.2.10 1.3.6 1.5.1 1.5.2 1.5.3
    2.3.5 2.4.1
    3.2.1 3.2.2 3.3.1 3.3.2 3.3.3 3.3.4 3.4.1 3.4.2 3.4.3 3.4.4 3.4.5 3.4.6 3.4.7 3.4.8 3.5.1 3.5.2 3.5.3 3.5.8
    4.1.2 4.1.3 4.1.4 4.2.1
    5.1.1 5.2.1 5.2.2 5.2.3 5.2.4 5.2.5 5.2.6 5.3.2 5.3.3 5.4.1 5.4.2 5.4.3
    6.1.1 6.1.3 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.2.9 6.2.10 6.2.11 6.2.12 6.3.1 6.3.2 6.3.3 6.3.4
    6.3.5 6.3.6 6.3.7 6.3.8 6.4.1 6.4.2 6.4.3 6.4.4 6.4.5 6.4.6 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.5.6 6.5.7 6.5.8
    6.8.4
    7.1.1 7.1.2 7.2.3 7.2.4 7.3.1 7.3.2 7.4.1 7.4.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.5.3
    8.1.1 8.1.2 8.1.3 8.2.1 8.2.2 8.2.3 8.2.4 8.3.1 8.3.2 8.3.3 8.4.1
    9.1.1 9.1.2 9.1.3
    10.3.1 10.3.2 10.3.3 10.3.4 10.3.5
    11.1.1 11.1.2 11.1.4 11.2.1 11.2.2 11.2.3 11.2.4 11.2.5 11.3.1 11.3.2 11.3.3 11.3.4 11.3.5 11.4.1 11.4.2
    11.4.3 11.4.4 11.5.1 11.7.2
    12.1.1 12.1.2 12.1.3 12.1.4 12.3.1 12.3.2 12.3.3 12.3.4 12.3.5
    13.2.1 13.2.2 13.2.3 13.2.4 13.2.5 13.2.6 13.3.1 13.3.2 13.3.3 13.3.4 13.4.2 13.4.5 13.4.6
    14.1.1 14.1.2 14.2.1 14.2.2 14.2.3 14.2.4 14.2.5 14.2.6 14.2.7 14.2.8 14.3.1 14.3.2 14.3.3
    15.1.1 15.1.2 15.1.3 15.1.4 15.1.5 15.2.1 15.2.2 15.2.3 15.2.4 15.2.5 15.3.1 15.3.2 15.3.3 15.3.4 15.4.1
    15.4.2
    16.1.1 16.2.1 16.2.2 16.2.3 16.2.4 16.2.5 16.3.1 16.3.2 16.3.3 16.3.4 16.4.1 16.4.2 16.4.3 16.5.1 16.5.2
    16.5.3 16.5.4
"""


@cache
def proofs_in(path: str) -> frozenset[str]:
    tree = ast.parse((ROOT / "tests" / path).read_text(encoding="utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


@pytest.mark.parametrize(("path", "name"), sorted(set(PROOF.findall(PAGE))))
def test_every_proof_that_is_named_is_a_test(path: str, name: str) -> None:
    assert name in proofs_in(path)


def test_every_requirement_that_is_met_names_its_proof() -> None:
    rows = ROW.findall(MET)
    assert len(rows) > 80
    for identifiers, _how, proof in rows:
        assert IDENTIFIER.fullmatch(identifiers.split()[0]), identifiers
        assert PROOF.search(proof), identifiers
        assert not PROOF.sub("", proof).strip(), f"{identifiers}: {proof}"


def test_what_is_not_met_gives_its_reason() -> None:
    rows = ROW.findall(NOT_MET)
    assert len(rows) > 10
    assert all(reason.strip() for _, reason, _ in rows)


def test_every_requirement_of_the_yardstick_stands_on_the_page() -> None:
    named = set(IDENTIFIER.findall(PAGE))
    for first, last in re.findall(r"(\d+\.\d+\.\d+) to (\d+\.\d+\.\d+)", PAGE):
        stem, _, low = first.rpartition(".")
        named |= {f"{stem}.{number}" for number in range(int(low), int(last.rpartition(".")[2]) + 1)}
    assert set(YARDSTICK.split()) - named == set()
