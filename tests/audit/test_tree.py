"""The tree is RFC 6962's: known answers, and every proof holds for its own tree and no other."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit import tree

# The inputs and roots of the test vectors that Certificate Transparency implementations share.
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [sha256(b"\0" + bytes.fromhex(text)).digest() for text in INPUTS]


def _leaves(count: int) -> list[bytes]:
    return [sha256(b"\0" + number.to_bytes(4, "big")).digest() for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_everybody_computes(size: int) -> None:
    assert tree.root(LEAVES[:size]).hex() == ROOTS[size - 1]


def test_an_empty_tree_has_the_hash_of_nothing() -> None:
    assert tree.root([]) == tree.Frontier().root() == sha256(b"").digest()


@given(st.integers(0, 200), st.integers(0, 200))
def test_a_frontier_grows_to_the_same_root_also_after_a_pause(first: int, more: int) -> None:
    leaves = _leaves(first + more)
    frontier = tree.Frontier()
    for leaf in leaves[:first]:
        frontier.append(leaf)
    frontier = tree.Frontier.decode(first, frontier.encode())
    for leaf in leaves[first:]:
        frontier.append(leaf)
    assert frontier.size == first + more
    assert frontier.root() == tree.root(leaves)


def test_a_frontier_of_another_size_is_refused() -> None:
    with pytest.raises(ValueError, match="size"):
        tree.Frontier.decode(4, bytes(64))


@given(st.integers(1, 80), st.data())
def test_an_inclusion_proof_holds_for_its_leaf_alone(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    index = data.draw(st.integers(0, size - 1))
    path, root = tree.inclusion(leaves, index), tree.root(leaves)
    assert tree.included(leaves[index], index, size, path, root)
    assert not tree.included(sha256(b"other").digest(), index, size, path, root)
    assert not tree.included(leaves[index], index, size, path, sha256(b"other").digest())
    assert not tree.included(leaves[index], index, size, [*path, root], root)
    assert not path or not tree.included(leaves[index], index, size, path[:-1], root)
    other = (index + 1) % size
    assert other == index or not tree.included(leaves[index], other, size, path, root)


@given(st.integers(1, 60), st.data())
def test_a_consistency_proof_holds_for_its_beginning_alone(size: int, data: st.DataObject) -> None:
    leaves = _leaves(size)
    earlier = data.draw(st.integers(1, size))
    proof = tree.consistency(leaves, earlier)
    before, after = tree.root(leaves[:earlier]), tree.root(leaves)
    assert tree.consistent(earlier, before, size, after, proof)
    forged = [*leaves]
    forged[data.draw(st.integers(0, earlier - 1))] = sha256(b"forged").digest()
    assert not tree.consistent(earlier, before, size, tree.root(forged), tree.consistency(forged, earlier))
    assert not tree.consistent(earlier, before, size, after, [*proof, before])
