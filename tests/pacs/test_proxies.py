"""Who is asking is what the trusted proxy says, and what nobody else can claim."""

from collections.abc import Iterable
from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pacs.pools import Environ, StartResponse
from pacs.proxies import FORWARDING, behind, sender, within

PROXIES = (ip_network("10.0.0.0/24"), ip_network("fd00::/8"))


def ask(
    peer: str, tls: str = "proxy", scheme: str = "http", path: str = "/studies/", **headers: str
) -> tuple[str, Any]:
    """Ask through the wrapper; return the status and the environment the application saw, or None."""
    seen: list[Environ] = []
    heard: list[str] = []

    def application(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        seen.append(environ)
        start_response("200 OK", [])
        return []

    environ = {"REMOTE_ADDR": peer, "wsgi.url_scheme": scheme, "PATH_INFO": path, **headers}
    behind(application, PROXIES, tls=tls)(environ, lambda status, headers: heard.append(status))
    return heard[0], seen[0] if seen else None


def test_the_trusted_proxy_names_the_sender_and_the_encryption() -> None:
    status, seen = ask("10.0.0.1", HTTP_X_FORWARDED_FOR="192.0.2.7", HTTP_X_FORWARDED_PROTO="https")
    assert status == "200 OK"
    assert (seen["REMOTE_ADDR"], seen["wsgi.url_scheme"]) == ("192.0.2.7", "https")


def test_anybody_else_who_claims_encryption_is_not_answered() -> None:
    status, seen = ask("192.0.2.9", HTTP_X_FORWARDED_FOR="127.0.0.1", HTTP_X_FORWARDED_PROTO="https")
    assert status == "403 Forbidden"
    assert seen is None


def test_forwarding_headers_never_reach_the_application() -> None:
    claims = dict.fromkeys(FORWARDING, "https")
    for peer in ("10.0.0.1", "192.0.2.9"):
        _, seen = ask(peer, tls="self", scheme="https", **claims)
        assert not set(FORWARDING) & set(seen)


def test_a_sender_cannot_put_an_address_before_its_own() -> None:
    assert sender("10.0.0.1", "127.0.0.1, 192.0.2.7", PROXIES) == "192.0.2.7"
    assert sender("10.0.0.1", "127.0.0.1, 192.0.2.7, 10.0.0.2", PROXIES) == "192.0.2.7"


def test_an_address_that_is_none_ends_the_chain() -> None:
    assert sender("10.0.0.1", "192.0.2.7, unknown", PROXIES) == "10.0.0.1"


@given(st.text(), st.text())
def test_whatever_is_claimed_the_sender_is_an_address_or_the_peer(peer: str, forwarded: str) -> None:
    found = sender(peer, forwarded, PROXIES)
    assert found == peer or within(found, (ip_network("0.0.0.0/0"), ip_network("::/0")))


@pytest.mark.parametrize("tls", ["self", "files", "proxy"])
def test_plain_http_is_not_answered_except_at_the_health_doors(tls: str) -> None:
    assert ask("192.0.2.9", tls=tls)[0] == "403 Forbidden"
    assert ask("127.0.0.1", tls=tls, path="/healthz")[0] == "200 OK"


def test_plain_http_is_answered_where_encryption_was_switched_off() -> None:
    assert ask("127.0.0.1", tls="off")[0] == "200 OK"
