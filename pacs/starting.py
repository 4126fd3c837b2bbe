"""What the record is told when a process starts: the version, and the settings that a security officer asks about."""

import logging
import re
import time
from typing import Final

from django.conf import settings

from audit import programs
from audit.errors import LogUnavailable
from audit.programs import Process

logger = logging.getLogger("pacs.start")

TOLD: Final = (
    "PACS_DATA_DIR",
    "PACS_KEK_URL",
    "PACS_BIND",
    "PACS_HOSTS",
    "PACS_WEB_PORT",
    "PACS_DICOM_PORT",
    "PACS_DICOM_TLS_PORT",
    "PACS_DICOM_PLAIN_NETWORKS",
    "PACS_AE_TITLES",
    "PACS_DATABASE_URL",
    "PACS_DATABASE_MIGRATE_URL",
    "PACS_REDIS_URL",
    "PACS_BLOB_URL",
    "PACS_S3_ENDPOINT",
    "PACS_S3_REGION",
    "PACS_TRUSTED_PROXIES",
    "PACS_ANCHORS",
    "PACS_ANCHOR_S3_ENDPOINT",
    "PACS_ANCHOR_S3_REGION",
    "PACS_ANCHOR_S3_PROFILE",
    "PACS_SYSLOG_URL",
    "PACS_SYSLOG_CA",
    "PACS_SYSLOG_CERT",
    "PACS_SYSLOG_KEY",
    "PACS_VERIFY_HOUR",
    "PACS_VERIFY_DAYS",
    "PACS_SESSION_IDLE_MINUTES",
    "PACS_SESSION_HOURS",
    "PACS_SCREEN_LOCK_MINUTES",
    "PACS_FOUR_EYES",
    "PACS_TRASH_DAYS",
    "PACS_SEARCH",
    "PACS_TLS",
    "PACS_TLS_CERT",
    "PACS_TLS_KEY",
)
"""Names of settings whose values go on record; the rest stands in UNTOLD, so that each new one is decided about."""

UNTOLD: Final = (
    "PACS_SECRET_KEY",
    "PACS_WEB_WORKERS",
    "PACS_TIMEZONE",
    "PACS_LANGUAGE",
    "PACS_TEST_DATA",
    "PACS_TEST_REQUIRE",
    "PACS_TEST_POSTGRES_URL",
    "PACS_TEST_REDIS_URL",
)

LONGEST_PAUSE: Final = 5.0

_PASSWORD: Final = re.compile(r"(?<=://)([^:@/]*):.*@")
_AFTER: Final = re.compile(r"\?.*")


def started(role: str) -> Process:
    """Return once the start of this process is on record; until then nothing is served, which its own log says."""
    pause = 0.5
    while True:
        try:
            return programs.started(role, version(), in_force())
        except (LogUnavailable, OSError) as error:
            pause = min(pause * 2, LONGEST_PAUSE)
            words = "%s is not serving: its start cannot be recorded (%s). It tries again in %d s."
            logger.error(words, role, type(error).__name__, pause)
            time.sleep(pause)


def in_force() -> dict[str, str]:
    """The settings that matter to a security officer, without any password, PIN or key."""
    return {name: shown(getattr(settings, name, "")) for name in TOLD}


def shown(value: object) -> str:
    """A setting as the record keeps it: of a URL neither its password nor what follows a question mark."""
    if isinstance(value, (list, tuple, set, frozenset)):
        return ",".join(map(shown, value))
    return _AFTER.sub("?…", _PASSWORD.sub(r"\1@", "" if value is None else str(value)))


def version() -> str:
    """The number of the newest release that the changelog names, as it was when this process started."""
    try:
        text = (settings.BASE_DIR / "CHANGELOG.md").read_text(encoding="utf-8")
    except OSError:
        return "unknown"
    found = re.search(r"^## (\d\S*)", text, re.MULTILINE)
    return found[1] if found else "unreleased"
