"""Under which host a passkey is made and used, and from which pages: what `PACS_HOSTS` names, and nothing else."""

from ipaddress import ip_address
from typing import NamedTuple

from django.conf import settings
from django.http.request import split_domain_port


class Site(NamedTuple):
    """A host of ours, to which passkeys are bound, and the origins whose pages may use them."""

    host: str
    origins: tuple[str, ...]


def site(host: str) -> Site | None:
    """Return the site of a request's host (with or without port); None where passkeys cannot be used.

    Browsers bind passkeys to names, not to addresses; a pattern in `PACS_HOSTS` names no host. The port a request
    claims is not believed: pages come from ours, or from the usual one where a proxy or a mapping stands before it.
    """
    name, _port = split_domain_port(host)
    if name not in settings.PACS_HOSTS or name.startswith(".") or "*" in name or _is_address(name):
        return None
    scheme = "http" if settings.PACS_TLS == "off" else "https"
    return Site(name, (f"{scheme}://{name}", f"{scheme}://{name}:{settings.PACS_WEB_PORT}"))


def _is_address(name: str) -> bool:
    try:
        ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True
