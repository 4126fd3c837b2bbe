"""The private authority: what it issues convinces OpenSSL at its strictest and Python's TLS, and only for its names."""

import shutil
import ssl
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from vault.certificates import issue_server, new_authority

KEY, CERT = new_authority("Custos private authority")
NAMES = ("pacs.example", "127.0.0.1", "::1", "bücher.example")


def test_openssl_accepts_the_chain_at_its_strictest(tmp_path: Path) -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("openssl is not here")
    _, server = issue_server(KEY, CERT, NAMES, 397)
    (tmp_path / "ca.pem").write_bytes(CERT)
    (tmp_path / "server.pem").write_bytes(server)
    base = [openssl, "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", str(tmp_path / "ca.pem")]
    for check in (["-verify_hostname", "pacs.example"], ["-verify_ip", "127.0.0.1"], ["-verify_ip", "::1"]):
        assert subprocess.run([*base, *check, str(tmp_path / "server.pem")], capture_output=True).returncode == 0
    for check in (["-verify_hostname", "other.example"], ["-verify_ip", "127.0.0.2"]):
        assert subprocess.run([*base, *check, str(tmp_path / "server.pem")], capture_output=True).returncode != 0


def handshake(tmp_path: Path, name: str) -> None:
    """A TLS handshake in memory: a server with a new certificate, a client that trusts the authority alone."""
    key, cert = issue_server(KEY, CERT, NAMES, 30)
    (tmp_path / "pair.pem").write_bytes(key + cert)
    ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ours.load_cert_chain(tmp_path / "pair.pem")
    theirs = ssl.create_default_context(cadata=CERT.decode())
    theirs.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = ours.wrap_bio(up, down, server_side=True)
    client = theirs.wrap_bio(down, up, server_hostname=name)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert client.version() == "TLSv1.3"


@pytest.mark.parametrize("name", ["pacs.example", "127.0.0.1", "xn--bcher-kva.example"])
def test_a_client_that_trusts_the_authority_trusts_the_server(tmp_path: Path, name: str) -> None:
    handshake(tmp_path, name)


def test_a_client_refuses_the_server_under_another_name(tmp_path: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(tmp_path, "other.example")


def test_a_server_certificate_is_short_lived_and_issues_nothing() -> None:
    server = x509.load_pem_x509_certificate(issue_server(KEY, CERT, NAMES, 397)[1])
    assert server.not_valid_after_utc - server.not_valid_before_utc <= timedelta(days=397)
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    uses = server.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.SERVER_AUTH]


def test_the_authority_lasts_ten_years_and_every_certificate_has_its_own_key() -> None:
    authority = x509.load_pem_x509_certificate(CERT)
    assert authority.not_valid_after_utc - authority.not_valid_before_utc == timedelta(days=3650)
    pairs = [issue_server(KEY, CERT, NAMES, 1) for _ in range(2)]
    assert pairs[0][0] != pairs[1][0]
    assert pairs[0][0].startswith(b"-----BEGIN PRIVATE KEY-----")


@pytest.mark.parametrize(("names", "days"), [((), 30), (("a.example",), 0), (("a.example",), 398)])
def test_no_names_and_too_many_days_are_refused(names: tuple[str, ...], days: int) -> None:
    with pytest.raises(ValueError, match="397"):
        issue_server(KEY, CERT, names, days)


def test_another_authoritys_key_is_refused() -> None:
    other, _ = new_authority("Another")
    with pytest.raises(ValueError, match="authority's key"):
        issue_server(other, CERT, NAMES, 30)
