"""Is this archive fit to serve? Asked from inside by the web server, and from beside by a container's health check."""

import http.client
import socket
import ssl
from typing import Final

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import connection

from pacs import tls

SECONDS: Final = 4.0


def trouble() -> str | None:
    """Return in a few words why this process should not serve now, or None; says nothing of any study."""
    from audit import pulse
    from audit.errors import LogUnavailable
    from keystore import keys
    from keystore.errors import KeystoreError

    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        keys.installation_key("field")
        pulse.check()
    except DatabaseFault:
        return "the database does not answer"
    except KeystoreError:
        return "the root key does not open the keys"
    except LogUnavailable:
        return "the audit log cannot be written"
    return None


def _loopback() -> str:
    return "127.0.0.1" if settings.PACS_BIND in ("0.0.0.0", "127.0.0.1", "localhost") else settings.PACS_BIND  # noqa: S104 # nosec B104


def web_trouble() -> str | None:
    """Ask the web server of this machine whether it is ready."""
    try:
        asked = _connection()
        asked.request("GET", "/readyz", headers={"Host": settings.PACS_HOSTS[0]})
        status = asked.getresponse().status
        asked.close()
    except (OSError, http.client.HTTPException) as error:
        return f"the web server does not answer ({type(error).__name__})"
    return None if status == 200 else f"the web server answers {status}"


def _connection() -> http.client.HTTPConnection:
    """Return a connection to our own web server, encrypted where it is."""
    port, files = settings.PACS_WEB_PORT, tls.files()
    if files is None:
        return http.client.HTTPConnection(_loopback(), port, timeout=SECONDS)
    context = ssl.create_default_context(cafile=str(files.certificate))
    # The certificate stands in the same file we read: it is compared as it is, whatever names it carries.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.check_hostname = False
    return http.client.HTTPSConnection(_loopback(), port, timeout=SECONDS, context=context)


def dimse_trouble() -> str | None:
    """Ask whether somebody takes connections at the DICOM port of this machine.

    The port is open as long as the program runs, whether a process that receives lives or not: one that does hangs up
    on who has nothing to say.
    """
    try:
        with socket.create_connection((_loopback(), settings.PACS_DICOM_PORT), timeout=SECONDS) as sock:
            sock.shutdown(socket.SHUT_WR)
            sock.recv(1)
    except OSError as error:
        return f"the DICOM port does not answer ({type(error).__name__})"
    return None
