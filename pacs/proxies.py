"""Who is really asking: forwarding headers are believed from trusted proxies only, and plain HTTP is not answered."""

from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final

from pacs.env import Network
from pacs.pools import Application, Environ, StartResponse

FORWARDING: Final = (
    "HTTP_X_FORWARDED_FOR",
    "HTTP_X_FORWARDED_PROTO",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_REAL_IP",
    "HTTP_FORWARDED",
)
DOORS: Final = ("/healthz", "/readyz")


def within(address: str, networks: Iterable[Network]) -> bool:
    """Return whether ``address`` lies in one of the networks; what is no address lies in none."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in networks)


def sender(peer: str, forwarded: str, trusted: tuple[Network, ...]) -> str:
    """Return the address of whoever spoke to the outermost trusted proxy, read from the right of the chain."""
    address = peer
    for claimed in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not within(address, trusted):
            break
        try:
            address = str(ip_address(claimed))
        except ValueError:
            break
    return address


def behind(application: Application, trusted: tuple[Network, ...], *, tls: str) -> Application:
    """Wrap ``application``: settle address and scheme, drop forwarding headers, refuse what came unencrypted.

    ``tls`` is the setting PACS_TLS; only with ``off``, which is for loopback, is plain HTTP answered. The two health
    doors answer plainly, since a container's health check comes from inside.
    """

    def settled(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        peer = environ.get("REMOTE_ADDR", "")
        claims = {name: environ.pop(name) for name in FORWARDING if name in environ}
        if trusted and within(peer, trusted):
            environ["REMOTE_ADDR"] = sender(peer, claims.get("HTTP_X_FORWARDED_FOR", ""), trusted)
            if claims.get("HTTP_X_FORWARDED_PROTO") == "https":
                environ["wsgi.url_scheme"] = "https"
        if tls != "off" and environ["wsgi.url_scheme"] != "https" and environ["PATH_INFO"] not in DOORS:
            words = b"this archive answers HTTPS only\n"
            headers = [("Content-Type", "text/plain"), ("Content-Length", str(len(words))), ("Connection", "close")]
            start_response("403 Forbidden", headers)
            return [words]
        return application(environ, start_response)

    return settled
