"""Each unsafe setting is found, by the rule that names it; a sound installation passes them all."""

import resource
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from pacs import checks, hardening
from pacs.env import Network

SECRET = "q7Zr-T1wLx0_vGm3KdPfJ8sYbN5hUcE2aRoQ9iWtXzVk6MnBgHyD4lSu"


@dataclass(frozen=True)
class Conf:
    """The settings that the rules read, all sound."""

    root: Path
    PACS_DATA_DIR: Path
    PACS_KEK_URL: str
    PACS_SECRET_KEY_PATH: Path
    PACS_ANCHORS: tuple[str, ...]
    PACS_SECRET_KEY: str | None = SECRET
    PACS_BIND: str = "127.0.0.1"
    PACS_TLS: str = "self"
    PACS_TLS_CERT: str = ""
    PACS_TLS_KEY: str = ""
    PACS_HOSTS: tuple[str, ...] = ("localhost",)
    PACS_TRUSTED_PROXIES: tuple[Network, ...] = ()
    PACS_DICOM_PLAIN_NETWORKS: tuple[Network, ...] = ()
    PACS_AE_TITLES: tuple[str, ...] = ("CUSTOS",)
    PACS_VERIFY_DAYS: int = 7
    PACS_FOUR_EYES: bool = True
    more: dict[str, str] = field(default_factory=dict)


@pytest.fixture
def conf(tmp_path: Path) -> Conf:
    data, key, kept = tmp_path / "data", tmp_path / "root.key", tmp_path / "secret.key"
    data.mkdir(mode=0o700)
    for file in (key, kept):
        file.write_text("x")
        file.chmod(0o400)
    return Conf(tmp_path, data, f"file:{key}", kept, (f"file:{tmp_path / 'anchors'}",))


def codes(conf: Conf, *rules: checks.Rule) -> set[str]:
    return {str(found.id) for found in checks.findings(conf, rules or SETTINGS_RULES)}


SETTINGS_RULES = (checks.root_key, checks.data_dir, checks.web, checks.secret_key, checks.dicom, checks.anchors)


def test_a_sound_installation_passes(conf: Conf) -> None:
    assert codes(conf) == set()


def test_a_missing_root_key_is_found(conf: Conf) -> None:
    (conf.root / "root.key").unlink()
    assert codes(conf) == {"custos.E001"}


@pytest.mark.parametrize("mode", [0o444, 0o440, 0o404, 0o620])
def test_a_root_key_that_others_can_read_is_found(conf: Conf, mode: int) -> None:
    (conf.root / "root.key").chmod(mode)
    assert codes(conf) == {"custos.E002"}


def test_a_root_key_inside_the_data_directory_is_found_through_a_link_too(conf: Conf) -> None:
    inside = conf.PACS_DATA_DIR / "root.key"
    inside.write_text("x")
    inside.chmod(0o400)
    assert codes(replace(conf, PACS_KEK_URL=f"file:{inside}")) == {"custos.E003"}
    link = conf.root / "link"
    link.symlink_to(conf.PACS_DATA_DIR)
    assert codes(replace(conf, PACS_KEK_URL=f"file:{link / 'root.key'}")) == {"custos.E003"}


def test_a_data_directory_that_is_missing_or_open_is_found(conf: Conf) -> None:
    assert codes(replace(conf, PACS_DATA_DIR=conf.root / "none")) == {"custos.E004"}
    conf.PACS_DATA_DIR.chmod(0o755)
    assert codes(conf) == {"custos.E005"}


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.168.1.4", "archive.clinic"])
def test_unencrypted_pages_outside_this_machine_are_found(conf: Conf, bind: str) -> None:
    open_plain = replace(conf, PACS_TLS="off", PACS_BIND=bind)
    assert codes(open_plain, checks.web) == {"custos.E006"}


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_unencrypted_pages_on_this_machine_alone_pass(conf: Conf, bind: str) -> None:
    assert codes(replace(conf, PACS_TLS="off", PACS_BIND=bind)) == set()


@pytest.mark.parametrize("host", ["*", ".clinic.example"])
def test_host_names_that_nobody_chose_are_found(conf: Conf, host: str) -> None:
    assert codes(replace(conf, PACS_HOSTS=("localhost", host))) == {"custos.E007"}


@pytest.mark.parametrize("secret", ["brief", "a" * 60, "change-me-" + SECRET, "django-insecure-" + SECRET])
def test_a_placeholder_secret_is_found_and_not_repeated(conf: Conf, secret: str) -> None:
    found = checks.findings(replace(conf, PACS_SECRET_KEY=secret), (checks.secret_key,))
    assert [one.id for one in found] == ["custos.E009"]
    assert secret not in str(found[0])


def test_a_random_key_in_hexadecimal_that_lacks_a_digit_is_no_placeholder(conf: Conf) -> None:
    assert codes(replace(conf, PACS_SECRET_KEY="0123456789abcde" * 5)) == set()


def test_a_secret_that_nobody_kept_is_found(conf: Conf) -> None:
    assert codes(replace(conf, PACS_SECRET_KEY=None)) == {"custos.E008"}


def test_a_kept_secret_that_others_can_read_is_found(conf: Conf) -> None:
    conf.PACS_SECRET_KEY_PATH.chmod(0o644)
    assert codes(conf) == {"custos.E009"}


def test_plain_dicom_outside_this_machine_needs_a_decision(conf: Conf) -> None:
    from ipaddress import ip_network

    outside = replace(conf, PACS_BIND="0.0.0.0")
    assert codes(outside) == {"custos.E010"}
    assert codes(replace(outside, PACS_DICOM_PLAIN_NETWORKS=(ip_network("10.0.0.0/8"),))) == set()


@pytest.mark.parametrize("title", ["SEVENTEEN_LETTERS", "BACK\\SLASH", "NÖ", "BELL\x07"])
def test_what_is_no_application_entity_title_is_found(conf: Conf, title: str) -> None:
    assert codes(replace(conf, PACS_AE_TITLES=("CUSTOS", title))) == {"custos.E018"}


def test_missing_anchors_and_anchors_beside_the_data_are_found(conf: Conf) -> None:
    assert codes(replace(conf, PACS_ANCHORS=())) == {"custos.E011"}
    assert codes(replace(conf, PACS_ANCHORS=(f"file:{conf.PACS_DATA_DIR / 'anchors'}",))) == {"custos.E012"}


@pytest.mark.parametrize(("cert", "key"), [("", ""), ("/none.pem", "/none.key"), ("", "/none.key")])
def test_certificate_files_that_are_not_there_are_found(conf: Conf, cert: str, key: str) -> None:
    assert codes(replace(conf, PACS_TLS="files", PACS_TLS_CERT=cert, PACS_TLS_KEY=key)) == {"custos.E016"}


def test_a_proxy_that_nobody_trusts_is_found(conf: Conf) -> None:
    assert codes(replace(conf, PACS_TLS="proxy")) == {"custos.E017"}


def test_a_mistyped_setting_is_found_with_what_was_meant(conf: Conf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PACS_FOUR_EYED", "off")
    (found,) = checks.findings(conf, (checks.names,))
    assert (found.id, found.hint) == ("custos.E014", "Did you mean PACS_FOUR_EYES?")


def test_every_finding_names_a_setting_or_the_start_and_says_what_to_do(conf: Conf) -> None:
    bad = replace(
        conf, PACS_TLS="off", PACS_BIND="0.0.0.0", PACS_HOSTS=("*",), PACS_SECRET_KEY=None, PACS_ANCHORS=(),
        PACS_DATA_DIR=conf.root / "none", PACS_KEK_URL="file:/none", PACS_AE_TITLES=("\\",),
    )  # fmt: skip
    found = checks.findings(bad, SETTINGS_RULES)
    assert len(found) == 8
    assert all("PACS_" in one.msg and one.hint for one in found)


def test_a_hardened_process_leaves_no_core_file() -> None:
    code = (
        "import resource; from pacs import hardening\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (4096, 4096)); assert not hardening.hardened()\n"
        "hardening.harden(); assert hardening.hardened()\n"
        "print(resource.getrlimit(resource.RLIMIT_CORE))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "(0, 0)"


def test_files_can_be_many_but_not_without_bound() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    code = (
        "import resource; from pacs import hardening; hardening.open_many_files()\n"
        "print(resource.getrlimit(resource.RLIMIT_NOFILE)[0])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(ended.stdout) == min(most, hardening.MANY_FILES) or most == resource.RLIM_INFINITY


@pytest.mark.postgres
def test_a_postgres_that_logs_values_is_found(installation: object) -> None:
    from django.db import connection

    assert list(checks._postgres(None)) == []
    with connection.cursor() as cursor:
        cursor.execute("SET log_statement = 'all'")
        cursor.execute("SET log_min_duration_statement = 0")
        cursor.execute("SET log_parameter_max_length = -1")
    assert [code for code, _, _ in checks._postgres(None)] == ["E013", "E013"]


@pytest.mark.postgres
def test_a_postgres_that_forgets_in_a_power_cut_is_refused(installation: object) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit = off")
    assert [code for code, _, _ in checks._postgres(None)] == ["E021"]


def test_a_record_that_may_go_unverified_for_months_is_named(conf: Conf) -> None:
    assert codes(replace(conf, PACS_VERIFY_DAYS=31), checks.verifications) == set()
    assert codes(replace(conf, PACS_VERIFY_DAYS=32), checks.verifications) == {"custos.I070"}


def test_that_one_person_acts_alone_is_named(conf: Conf) -> None:
    assert codes(conf, checks.four_eyes) == set()
    assert codes(replace(conf, PACS_FOUR_EYES=False), checks.four_eyes) == {"custos.I080"}
