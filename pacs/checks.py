"""System checks that refuse unsafe settings, each naming the setting and what to do.

They belong to ``check --deploy`` and to the start of every server; set-up and migrations run without them. Each rule
is a function from the settings to the findings, so that a test can hand it any installation.
"""

import os
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, register

from pacs.env import file_path, unknown
from pacs.hardening import hardened
from pacs.names import NAMES

Finding = tuple[str, str, str]
Rule = Callable[[Any], Iterator[Finding]]

PLACEHOLDERS: Final = ("change", "secret", "placeholder", "example", "insecure", "default", "password", "xxxx")
SHORTEST_SECRET: Final = 50
LONGEST_UNVERIFIED: Final = 31
DISTINCT_LETTERS: Final = 10  # a random key in hexadecimal may well lack one or two of its sixteen digits


def loopback(address: str) -> bool:
    """Return whether a bind address is reachable from this machine alone."""
    try:
        return ip_address(address.strip("[]")).is_loopback
    except ValueError:
        return address == "localhost"


def inside(path: Path, folder: Path) -> bool:
    """Return whether ``path`` lies in ``folder``, symbolic links followed."""
    return path.resolve().is_relative_to(folder.resolve())


def _open_to_others(path: Path) -> bool:
    return bool(path.stat().st_mode & 0o077)


def root_key(conf: Any) -> Iterator[Finding]:
    """The root key exists, is readable by its owner alone and lies outside the data directory, or in a token."""
    if not conf.PACS_KEK_URL.startswith("file:"):
        yield from _root_in_token(conf)
        return
    path = file_path(conf.PACS_KEK_URL)
    if not path.is_file():
        yield "E001", f"PACS_KEK_URL names {path}, where there is no root key.", "Run `manage.py setup`, or restore it."
        return
    if _open_to_others(path):
        yield "E002", f"PACS_KEK_URL: others can read the root key {path}.", f"Run `chmod 0400 {path}`."
    if inside(path, conf.PACS_DATA_DIR):
        hint = "Move it to a folder that is not backed up with the data, and name that place."
        yield "E003", "PACS_KEK_URL: the root key lies inside PACS_DATA_DIR; who copies one has both.", hint


def _root_in_token(conf: Any) -> Iterator[Finding]:
    from keystore import roots
    from keystore.errors import RootKeyError

    try:
        roots.from_url(conf.PACS_KEK_URL)
    except RootKeyError as trouble:
        yield "E034", f"PACS_KEK_URL: {trouble}", "See docs/OPERATIONS.md, A root key in an HSM."


def data_dir(conf: Any) -> Iterator[Finding]:
    """The data directory exists, can be written and is closed to others."""
    path = conf.PACS_DATA_DIR
    if not path.is_dir() or not os.access(path, os.W_OK | os.X_OK):
        yield "E004", f"PACS_DATA_DIR: {path} is no folder this user can write.", "Run `manage.py setup` as this user."
        return
    if _open_to_others(path):
        yield "E005", f"PACS_DATA_DIR: others can enter {path}.", f"Run `chmod 0700 {path}`."


def web(conf: Any) -> Iterator[Finding]:
    """People reach the archive encrypted and under names that were chosen."""
    if conf.PACS_TLS == "off" and not loopback(conf.PACS_BIND):
        hint = "Use PACS_TLS=self, files or proxy; off is for 127.0.0.1."
        yield "E006", f"PACS_TLS is off while PACS_BIND is {conf.PACS_BIND}.", hint
    if any(host == "*" or host.startswith(".") for host in conf.PACS_HOSTS):
        yield "E007", "PACS_HOSTS accepts names nobody chose.", "List the host names, separated by commas."
    if conf.PACS_TLS == "files" and not all(Path(p).is_file() for p in (conf.PACS_TLS_CERT, conf.PACS_TLS_KEY) if p):
        yield "E016", "PACS_TLS=files, but PACS_TLS_CERT or PACS_TLS_KEY names no file.", "Name both PEM files."
    elif conf.PACS_TLS == "files" and not (conf.PACS_TLS_CERT and conf.PACS_TLS_KEY):
        yield "E016", "PACS_TLS=files needs PACS_TLS_CERT and PACS_TLS_KEY.", "Name both PEM files."
    if conf.PACS_TLS == "proxy" and not conf.PACS_TRUSTED_PROXIES:
        hint = "Name the proxy's address; without it nobody's claim of HTTPS is believed."
        yield "E017", "PACS_TLS=proxy needs PACS_TRUSTED_PROXIES.", hint


def secret_key(conf: Any) -> Iterator[Finding]:
    """Cookies and tokens are signed with a key that was drawn, kept, and is no placeholder."""
    key = conf.PACS_SECRET_KEY
    if key is None:
        yield "E008", "PACS_SECRET_KEY is not set and set-up has kept none.", "Run `manage.py setup`, or set it."
        return
    poor = len(key) < SHORTEST_SECRET or len(set(key)) < DISTINCT_LETTERS
    if poor or any(word in key.lower() for word in PLACEHOLDERS):
        hint = f"Use {SHORTEST_SECRET} random characters or more, or leave it to set-up."
        yield "E009", "PACS_SECRET_KEY is short or a placeholder.", hint
    kept = conf.PACS_SECRET_KEY_PATH
    if kept.is_file() and _open_to_others(kept):
        yield "E009", f"PACS_SECRET_KEY: others can read {kept}.", f"Run `chmod 0400 {kept}`."


def dicom(conf: Any) -> Iterator[Finding]:
    """Plain DICOM outside this machine was decided, and the archive's own titles can be spoken."""
    if not loopback(conf.PACS_BIND) and not conf.PACS_DICOM_PLAIN_NETWORKS:
        hint = "Name the modalities' address ranges there, or bind to 127.0.0.1 and use DICOM TLS."
        yield "E010", f"PACS_BIND={conf.PACS_BIND} opens plain DICOM, but PACS_DICOM_PLAIN_NETWORKS is empty.", hint
    for title in conf.PACS_AE_TITLES:
        if len(title) > 16 or not title.isascii() or not title.isprintable() or "\\" in title:
            hint = "PS3.5 §6.2 allows 16 characters, no backslash and no control characters."
            yield "E018", f"PACS_AE_TITLES: {title!r} is no application entity title.", hint


def anchors(conf: Any) -> Iterator[Finding]:
    """Checkpoints of the log are kept where who changes the database does not reach by the way."""
    if not conf.PACS_ANCHORS:
        yield (
            "E011",
            "PACS_ANCHORS is empty; a cut log could not be told.",
            "Name one place, such as file:/mnt/anchors.",
        )
    for url in conf.PACS_ANCHORS:
        if url.startswith("file:") and inside(file_path(url), conf.PACS_DATA_DIR):
            hint = "Name a place on another disk or machine."
            yield "E012", f"PACS_ANCHORS: {url} lies inside PACS_DATA_DIR.", hint
        if url.startswith("s3:"):
            yield from _bucket_of_anchors(conf, url)


def _bucket_of_anchors(conf: Any, url: str) -> Iterator[Finding]:
    from archive.addresses import endpoint_fault
    from audit import s3

    fault = endpoint_fault(conf.PACS_ANCHOR_S3_ENDPOINT)
    if fault is not None:
        hint = "Name https://HOST or https://HOST:PORT; http is for 127.0.0.1. Empty means Amazon's own."
        yield "E037", f"PACS_ANCHOR_S3_ENDPOINT {fault}.", hint
    try:
        name, _ = s3.location(url)
    except ValueError as error:
        yield (
            "E038",
            f"PACS_ANCHORS: {url} {error}.",
            "A bucket's name has 3 to 63 small letters, digits, dots and hyphens.",
        )
        return
    packs = conf.PACS_BLOB_URL.startswith("s3:") and conf.PACS_BLOB_URL.removeprefix("s3:").removeprefix("//")
    if packs and packs.partition("/")[0] == name:
        yield "E039", f"PACS_ANCHORS: {url} is the bucket of the packs.", "Name a bucket of its own, under object lock."


def collector(conf: Any) -> Iterator[Finding]:
    """Audit messages leave encrypted, to a collector that proves who it is, with files that can be read."""
    if not conf.PACS_SYSLOG_URL:
        return
    from audit.messages import channel

    try:
        channel.address(conf.PACS_SYSLOG_URL)
    except ValueError:
        hint = "Name tls://HOST:PORT; audit messages leave over nothing else, nor by plain TCP or UDP."
        yield "E040", "PACS_SYSLOG_URL is no address of a collector over TLS.", hint
    if not conf.PACS_SYSLOG_CA:
        hint = "Name the PEM file of the authority that issued the collector's certificate."
        yield "E041", "PACS_SYSLOG_URL needs PACS_SYSLOG_CA.", hint
        return
    if bool(conf.PACS_SYSLOG_CERT) != bool(conf.PACS_SYSLOG_KEY):
        yield "E042", "Only one of PACS_SYSLOG_CERT and PACS_SYSLOG_KEY is set.", "Name both PEM files, or neither."
        return
    try:
        channel.context(channel.Trust(conf.PACS_SYSLOG_CA, conf.PACS_SYSLOG_CERT, conf.PACS_SYSLOG_KEY))
    except (OSError, ValueError) as error:
        words = f"PACS_SYSLOG_CA, PACS_SYSLOG_CERT or PACS_SYSLOG_KEY cannot be used ({type(error).__name__})."
        yield "E043", words, "Name PEM files that this user can read; the key must be the certificate's."
        return
    if conf.PACS_SYSLOG_KEY and _open_to_others(Path(conf.PACS_SYSLOG_KEY)):
        hint = f"Run `chmod 0400 {conf.PACS_SYSLOG_KEY}`."
        yield "E043", f"PACS_SYSLOG_KEY: others can read {conf.PACS_SYSLOG_KEY}.", hint


def names(conf: Any) -> Iterator[Finding]:
    """Every PACS_ variable of the environment is one that means something."""
    for name, meant in unknown(os.environ, NAMES):
        hint = f"Did you mean {meant}?" if meant else "See docs/OPERATIONS.md for the list of settings."
        yield "E014", f"{name} is set, but no setting has that name.", hint


def memory(conf: Any) -> Iterator[Finding]:
    """Keys in memory can reach no core file; swap is named where there is some."""
    if not hardened():
        hint = "Start through `manage.py`, which forbids core dumps for itself and its children."
        yield "E015", "This process could leave a core file.", hint
    swaps = Path("/proc/swaps")
    if swaps.is_file() and len(swaps.read_text(encoding="ascii").splitlines()) > 1:
        yield "I019", "This machine swaps; memory with keys may reach the disk.", "Encrypt swap or switch it off."


def _postgres(conf: Any) -> Iterator[Finding]:
    from pacs.databases import postgres_findings

    yield from postgres_findings()


def bucket(conf: Any) -> Iterator[Finding]:
    """Where packs are kept in a bucket, it has a name, an encrypted way to it, and an answer."""
    if not conf.PACS_BLOB_URL.startswith("s3:"):
        return
    from archive import s3
    from archive.addresses import endpoint_fault
    from archive.errors import Unavailable

    fault = endpoint_fault(conf.PACS_S3_ENDPOINT)
    if fault is not None:
        hint = "Name https://HOST or https://HOST:PORT; http is for 127.0.0.1. Empty means Amazon's own."
        yield "E032", f"PACS_S3_ENDPOINT {fault}.", hint
        return
    try:
        place = s3.Bucket(conf.PACS_BLOB_URL, conf.PACS_S3_ENDPOINT, conf.PACS_S3_REGION, conf.PACS_DATA_DIR)
    except Unavailable as error:
        yield "E031", str(error), "A bucket's name has 3 to 63 small letters, digits, dots and hyphens."
        return
    said = place.trouble()
    place.close()
    if said is not None:
        hint = "See PACS_S3_ENDPOINT and PACS_S3_REGION, the credentials, and what they may do (docs/OPERATIONS.md)."
        yield "E033", f"PACS_BLOB_URL: the bucket {place.name} does not answer as it should ({said}).", hint


def verifications(conf: Any) -> Iterator[Finding]:
    """A record that nobody has verified for long is told before its traces have gone cold."""
    if conf.PACS_VERIFY_DAYS > LONGEST_UNVERIFIED:
        words = f"PACS_VERIFY_DAYS is {conf.PACS_VERIFY_DAYS}: a changed record could stay untold for that long."
        yield "I070", words, f"Use {LONGEST_UNVERIFIED} days or fewer; 7 is the default."


def four_eyes(conf: Any) -> Iterator[Finding]:
    """That acts of two people are done by one is said whenever the settings are looked at."""
    if not conf.PACS_FOUR_EYES:
        words = "PACS_FOUR_EYES is off: a day after asking, one person resets factors or destroys studies early."
        yield "I080", words, "Leave it on where two people hold each role; what one person may hold is not loosened."


def sessions(conf: Any) -> Iterator[Finding]:
    """A screen locks before its session ends."""
    if conf.PACS_SCREEN_LOCK_MINUTES >= conf.PACS_SESSION_IDLE_MINUTES:
        words = "PACS_SCREEN_LOCK_MINUTES is not below PACS_SESSION_IDLE_MINUTES: no screen would lock by itself."
        yield "E050", words, "Lock screens sooner, or let sessions last longer; 10 and 30 are the defaults."


RULES: Final[tuple[Rule, ...]] = (
    root_key, data_dir, web, secret_key, dicom, anchors, collector, names, memory, bucket, verifications, four_eyes,
    sessions, _postgres,
)  # fmt: skip


def findings(conf: Any, rules: tuple[Rule, ...] = RULES) -> list[CheckMessage]:
    """Return what the rules find in these settings, as Django's messages ``custos.E0xx``."""
    found: list[CheckMessage] = []
    for rule in rules:
        for code, words, hint in rule(conf):
            kind = Info if code.startswith("I") else Error
            found.append(kind(words, hint=hint, id=f"custos.{code}"))
    return found


@register("custos", deploy=True)
def check(**_: Any) -> list[CheckMessage]:
    """The checks of this project, as Django runs them."""
    return findings(settings)
