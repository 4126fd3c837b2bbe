"""No way of writing a call hides it from whoever looks for the guards, and no function of the gate is forgotten."""

import ast
from pathlib import Path

import pytest

from accounts import gate
from tests.permission import gates

RECORDING = {"listed", "found_patients"}
"""What records, for a receipt, what was permitted before: it asks nobody."""


@pytest.mark.parametrize(
    "source",
    [
        "from accounts import gate\ndef act():\n    gate.permit(None, None)",
        "from accounts import gate as door\ndef act():\n    with door.change(None, None):\n        pass",
        "import accounts.gate\ndef act():\n    accounts.gate.permit(None, None)",
        "import accounts.gate as door\ndef act():\n    return [door.view(None, one) for one in ()]",
        "def act():\n    from accounts import scope\n    return scope.limit(None, None, '')",
        "from accounts.views import asking\ndef act():\n    asking.half_signed_in(None)",
    ],
)
def test_every_spelling_of_a_guard_is_found(source: str) -> None:
    assert [site.function for site in gates.calls(source, "one.py")] == ["act"]


def test_a_guard_taken_out_of_its_module_is_refused() -> None:
    with pytest.raises(ValueError, match="import the module of permit"):
        list(gates.calls("from accounts.gate import permit\ndef act():\n    permit(None, None)", "one.py"))


def test_a_call_of_the_same_name_elsewhere_is_none() -> None:
    assert not list(gates.calls("from os import gate\ndef act():\n    gate.permit(None)\n    permit()", "one.py"))


def test_every_function_of_the_gate_is_taken_out_or_asks_nobody() -> None:
    tree = ast.parse(Path(gate.__file__).read_text(encoding="utf-8"))
    public = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")}
    named = {name.removeprefix("accounts.gate.") for name in gates.GUARDS if name.startswith("accounts.gate.")}
    assert public == named | RECORDING
