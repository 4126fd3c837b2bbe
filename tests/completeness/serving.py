"""How commands are given and jobs done for a row: in this process, by whom the row says."""

import os
import ssl
from io import StringIO
from pathlib import Path
from typing import Final
from unittest.mock import patch

from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils.module_loading import import_string

from accounts import policy
from accounts.errors import Refused
from accounts.models import Person
from accounts.policy import Permission
from archive import tasks
from archive.dimse import pdus, secure
from archive.dimse.server import Server
from archive.errors import ArchiveError
from audit import programs
from pacs import tls
from tests.accounts.browsing import fresh_code
from tests.archive.dimse import peers
from tests.conftest import PASSWORD

COMMANDS: Final = ("command", "bare", "vouched", "mistaken")


def commanded(asked: str, way: str, who: str) -> int:
    """Give a command; return 0 or 1. Where it asks for the factors of `who`, those are typed, or a wrong password."""
    typed = iter(list[str]())
    if way in ("vouched", "mistaken"):
        typed = iter([PASSWORD if way == "vouched" else "wrong", fresh_code(Person.objects.get(username=who))])
    may = frozenset() if way == "bare" else policy.SHELL
    with patch("accounts.identify.SHELL", may), patch("getpass.getpass", lambda _prompt: next(typed)):
        try:
            call_command(*asked.split(), stdout=StringIO(), stderr=StringIO())
        except (CommandError, SystemExit):
            return 1
    return 0


def shaken(title: str, folder: str) -> int:
    """Associate over TLS with what was enrolled into a folder, or with no certificate at all; return 0 or 1."""
    tls.settle()
    files = tls.dicom_files()
    ours = secure.context(files.certificate, files.key, tls.authority_certificate())
    server = Server("127.0.0.1", 0, context=ours).start()
    context = ssl.create_default_context(cafile=str(tls.authority_certificate()))
    if folder:
        bundle = Path(folder) / "bundle"
        context.load_cert_chain(bundle / "certificate.pem", bundle / "key.pem")
    try:
        with peers.connect(server.port) as plain, context.wrap_socket(plain, server_hostname="localhost") as sock:
            sock.sendall(peers.request_pdu(calling=title))
            return 0 if peers.read_pdu(sock)[0] == pdus.ASSOCIATE_AC else 1
    except OSError:
        return 1
    finally:
        server.stop(5.0)


def lived(asked: str, role: str, settings: dict[str, str]) -> int:
    """Start a process of the program as this one, and let it stop where the row says so."""
    mine = programs.started(role, "1", settings)
    if asked == "start and stop":
        programs.stopped(mine)
    else:
        mine.path.unlink()
        os.close(mine.descriptor)
    return 0


def worked(asked: str, *, idle: bool) -> int:
    """Do one job as a worker does, or as one that may nothing; return 0 or 1."""
    kind, subject = asked.split()
    may = dict.fromkeys(policy.SYSTEM_JOBS, frozenset[Permission]()) if idle else policy.SYSTEM_JOBS
    with patch("accounts.identify.SYSTEM_JOBS", may):
        try:
            import_string(tasks.HANDLERS[kind])(subject, lambda _done, _total: None)
        except (ArchiveError, Refused):
            return 1
    return 0
