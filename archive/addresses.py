"""Where a bucket is: the names and addresses an operator may write, and what is wrong with others."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from archive.errors import Unavailable
from audit import s3


def location(url: str) -> tuple[str, str]:
    """Bucket and prefix of PACS_BLOB_URL (`audit.s3.location`). Raises Unavailable."""
    try:
        return s3.location(url)
    except ValueError as error:
        raise Unavailable(f"PACS_BLOB_URL {error}.") from None


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
