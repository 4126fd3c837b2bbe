"""The readers of the environment: what they take, what they refuse, and that a refusal names the setting."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from pacs import env
from pacs.names import NAMES, SETTINGS


def test_an_empty_value_means_the_default() -> None:
    assert env.text({"A": "  "}, "A", "x") == "x"
    assert env.number({"A": ""}, "A", 7, low=1, high=9) == 7
    assert env.switch({"A": ""}, "A", default=True) is True


@given(st.text())
def test_a_number_is_a_number_in_range_or_a_refusal_that_names_the_setting(value: str) -> None:
    try:
        assert 1 <= env.number({"PACS_X": value}, "PACS_X", 5, low=1, high=9) <= 9
    except ImproperlyConfigured as refusal:
        assert "PACS_X" in str(refusal)  # noqa: PT017 - either outcome is right, this is what the second owes.


@pytest.mark.parametrize("value", ["65536", "-1", "8443x", "0x10", "8 443", "١٢"])
def test_what_is_no_port_is_refused(value: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PACS_WEB_PORT"):
        env.port({"PACS_WEB_PORT": value}, "PACS_WEB_PORT", 8443)


@pytest.mark.parametrize(("value", "meant"), [("on", True), ("OFF", False), ("True", True), ("0", False)])
def test_a_switch_understands_the_usual_words(value: str, meant: bool) -> None:
    assert env.switch({"A": value}, "A", default=not meant) is meant


def test_an_unclear_switch_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="PACS_FOUR_EYES"):
        env.switch({"PACS_FOUR_EYES": "maybe"}, "PACS_FOUR_EYES", default=True)


def test_a_choice_is_spelled_exactly() -> None:
    assert env.choice({"A": "full"}, "A", ("exact", "full"), "exact") == "full"
    with pytest.raises(ImproperlyConfigured, match="exact, full"):
        env.choice({"A": "Full"}, "A", ("exact", "full"), "exact")


def test_a_secret_comes_from_the_variable_or_from_the_file_it_names(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("from the file\n")
    assert env.secret({"A": "direct"}, "A") == "direct"
    assert env.secret({"A_FILE": str(kept)}, "A") == "from the file"
    assert env.secret({}, "A") is None


def test_a_secret_given_twice_empty_or_unreadable_is_refused(tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    empty.write_text("\n")
    for given_ in ({"A": "x", "A_FILE": str(empty)}, {"A_FILE": str(empty)}, {"A_FILE": str(tmp_path / "none")}):
        with pytest.raises(ImproperlyConfigured, match="A_FILE"):
            env.secret(given_, "A")


def test_the_refusal_of_a_secret_does_not_repeat_it(tmp_path: Path) -> None:
    with pytest.raises(ImproperlyConfigured) as refusal:
        env.secret({"A": "very-secret", "A_FILE": str(tmp_path)}, "A")
    assert "very-secret" not in str(refusal.value)


def test_paths_are_absolute_and_relative_ones_start_at_the_project() -> None:
    assert env.path({"A": "var/x"}, "A", Path("/d"), root=Path("/project")) == Path("/project/var/x")
    assert env.path({"A": "/srv/x"}, "A", Path("/d"), root=Path("/project")) == Path("/srv/x")
    assert env.path({}, "A", Path("/d"), root=Path("/project")) == Path("/d")


@pytest.mark.parametrize("url", ["file:/k/root.key", "file:///k/root.key", "file:k/root.key"])
def test_every_spelling_of_a_file_location_is_one_absolute_path(url: str) -> None:
    (found,) = env.locations({"A": url}, "A", "", schemes=("file",), root=Path("/"))
    assert found == "file:/k/root.key"
    assert env.file_path(found) == Path("/k/root.key")


@pytest.mark.parametrize("url", ["/k/root.key", "ftp:x", "file:", "s3"])
def test_a_location_of_an_unknown_kind_is_refused(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="PACS_KEK_URL"):
        env.locations({"PACS_KEK_URL": url}, "PACS_KEK_URL", "", schemes=("file",), root=Path("/"))


def test_networks_are_read_and_a_mistake_is_refused() -> None:
    assert env.networks({"A": "10.0.0.0/8, ::1"}, "A") == (ip_network("10.0.0.0/8"), ip_network("::1"))
    with pytest.raises(ImproperlyConfigured, match="A must be"):
        env.networks({"A": "10.0.0.1/8"}, "A")


def test_a_mistyped_name_is_found_with_the_name_that_was_meant() -> None:
    environ = {"PACS_DATADIR": "x", "PACS_KEK_URL_FILE": "y", "PACS_QQQQQ": "z", "PATH": "/bin"}
    assert env.unknown(environ, NAMES) == (("PACS_DATADIR", "PACS_DATA_DIR"), ("PACS_QQQQQ", ""))


def test_every_setting_that_the_project_reads_is_in_the_table_and_the_other_way_round() -> None:
    import re

    source = Path(env.__file__).with_name("settings.py").read_text()
    read = set(re.findall(r'"(PACS_[A-Z0-9_]+)"', source))
    tests_only = {name for name in SETTINGS if name.startswith("PACS_TEST_")}
    assert read | tests_only == NAMES
