"""Where a bucket is: the names and addresses an operator may write, and what is wrong with others."""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from archive.errors import Unavailable

_LOCATION: Final = re.compile(r"s3:(?://)?([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/([\w.-]+(?:/[\w.-]+)*)?/?)?", re.ASCII)


def location(url: str) -> tuple[str, str]:
    """Bucket and prefix of `s3:BUCKET/PREFIX`; the prefix is empty or ends with a slash. Raises Unavailable."""
    found = _LOCATION.fullmatch(url)
    if found is None or ".." in url:
        raise Unavailable("PACS_BLOB_URL names no bucket: write s3:BUCKET or s3:BUCKET/PREFIX.")
    return found[1], f"{found[2]}/" if found[2] else ""


def endpoint_fault(endpoint: str) -> str | None:
    """What is wrong with the address of a service, or None; empty means Amazon's own."""
    if not endpoint:
        return None
    try:
        url = urlsplit(endpoint)
        host, _ = url.hostname or "", url.port
    except ValueError:
        return "is no URL"
    if url.scheme not in ("http", "https") or not host or url.path.strip("/") or url.query or url.username:
        return "is not https://HOST or https://HOST:PORT"
    return "is not encrypted" if url.scheme == "http" and not _loopback(host) else None


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
