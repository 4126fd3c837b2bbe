"""How this program speaks to a service of S3: bounded waits, and of an error no more than its code.

Credentials are boto3's affair.
"""

import re
from typing import Any, Final

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

CONNECT_SECONDS = 3.0
ANSWER_SECONDS = 15.0
ATTEMPTS = 3

FAULTS: Final = (BotoCoreError, ClientError, OSError, ValueError)
TAKEN: Final = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")

_LOCATION: Final = re.compile(r"s3:(?://)?([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([\w.-]+(?:/[\w.-]+)*)?/?)?", re.ASCII)


def location(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3:BUCKET/PREFIX`; the prefix is empty or ends with a slash. Raises ValueError."""
    found = _LOCATION.fullmatch(url)
    if found is None or ".." in url:
        raise ValueError("names no bucket: write s3:BUCKET or s3:BUCKET/PREFIX")
    return found[1], f"{found[2]}/" if found[2] else ""


def connect(endpoint: str, region: str, profile: str = "") -> Any:
    """A client with bounded waits; `profile` names its credentials. Safe for threads, not for a forked child."""
    patience = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=ANSWER_SECONDS,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        max_pool_connections=32,
        # Checksums are ours; those that the library adds by itself are not known to every service.
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        # Few services but Amazon's answer to the bucket's name in front of their own.
        s3={"addressing_style": "path" if endpoint else "auto"},
    )
    session = boto3.session.Session(region_name=region or None, profile_name=profile or None)
    return session.client("s3", endpoint_url=endpoint or None, config=patience)


def code(error: Exception) -> str:
    """What may be said of a fault: the service's code for it, or the kind of the exception."""
    told = error.response.get("Error", {}).get("Code", "") if isinstance(error, ClientError) else ""
    return re.sub(r"[^A-Za-z0-9]", "", str(told))[:64] or type(error).__name__
