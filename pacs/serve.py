"""The servers of the archive, one function a role."""

import logging
import os
import signal
import socket
import ssl
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Final

from django.conf import settings
from django.core.checks import ERROR, run_checks
from django.db import Error as DatabaseFault
from django.db import close_old_connections, connection

from pacs import tls
from pacs.hardening import die_with_parent, harden, keep_freed_memory, open_many_files
from pacs.pools import CONNECTIONS, THREADS
from pacs.start import ROLES, serving
from pacs.supervisor import PARENT, Child, Supervisor, inherited, role_command

logger = logging.getLogger("pacs.serve")


KEPT_BYTES: Final = 16 << 20
"""What the DICOM server keeps of freed memory, for the next image."""

MEMORY: Final = {"MALLOC_MMAP_THRESHOLD_": 4 << 20, "MALLOC_TRIM_THRESHOLD_": 16 << 20, "MALLOC_ARENA_MAX": 2}
"""What the C library keeps of freed memory: the next frame finds room, and the system need not clear it each time.

It keeps as much for each arena, and would make eight for a core as more threads come to work at once: a process would
grow in steps for hours, long after its caches are full.
"""


def refusals() -> list[str]:
    """Return what forbids to serve, in words: the errors of the checks, else a root key that does not open the keys."""
    found = [found for found in run_checks(include_deployment_checks=True) if found.level >= ERROR]
    if found:
        return [f"{one.id}: {one.msg} {one.hint or ''}".rstrip() for one in found]
    from keystore.checks import start_check
    from keystore.errors import KeystoreError

    try:
        start_check()
    except KeystoreError as refusal:
        return [f"PACS_KEK_URL: {refusal}"]
    except DatabaseFault as trouble:
        return [f"PACS_DATABASE_URL: the tables cannot be read ({type(trouble).__name__}). Run `manage.py setup`."]
    finally:
        connection.close()
    return []


def adopt() -> None:
    """Harden this process and tie it to the supervisor that started it, if one did."""
    harden()
    parent = os.environ.pop(PARENT, "")
    if parent.isdigit():
        die_with_parent(int(parent))


def everything() -> int:
    """Run every role in processes of their own until told to stop.

    Background work gets one for two cores, or two; DICOM gets two where there are two cores.
    """
    cores, doors = os.cpu_count() or 1, {"dimse": _doors()}
    again = {"worker": max(2, cores // 2), "dimse": min(2, cores) if doors["dimse"] else 1}
    settle()
    children = [
        Child(role, role_command(role), doors.get(role, ())) for role in ROLES for _ in range(again.get(role, 1))
    ]
    return Supervisor(children).run()


def _doors() -> tuple[socket.socket, ...]:
    """The sockets of DICOM and of DICOM TLS, which all processes that receive share; none where a port is taken."""
    from archive.dimse.listening import bound

    opened: list[socket.socket] = []
    for port in (settings.PACS_DICOM_PORT, settings.PACS_DICOM_TLS_PORT):
        try:
            opened.append(bound(settings.PACS_BIND, port))
        except OSError as error:
            # The one process that is to receive tries again, and says so.
            logger.warning("port %d cannot be had now: %s", port, error.strerror)
            for sock in opened:
                sock.close()
            return ()
    return tuple(opened)


def settle() -> None:
    """Let what was acknowledged have its rows again, where a process was killed over them, before anybody is served.

    Whatever stands in its way is told in the program's log, and tried again by the scheduler.
    """
    from archive import ingest, packs
    from archive.rebuilding import settling

    try:
        settling.run()
    except Exception:
        logger.exception("what was acknowledged cannot be settled yet")
    finally:
        ingest.stop()
        packs.forget()
        connection.close()


def granian_command() -> list[str]:
    """Return the command line of the web server."""
    command = [sys.executable, "-m", "granian", "--interface", "wsgi", "pacs.wsgi:application"]
    command += ["--host", settings.PACS_BIND, "--port", str(settings.PACS_WEB_PORT), "--http", "1"]
    command += ["--workers", str(settings.PACS_WEB_WORKERS), "--blocking-threads", str(THREADS)]
    command += ["--blocking-threads-idle-timeout", "60", "--backpressure", str(CONNECTIONS)]
    command += ["--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "15"]
    command += ["--working-dir", str(settings.BASE_DIR), "--log-level", "error", "--no-ws"]
    files = tls.files()
    if files is not None:
        command += ["--ssl-certificate", str(files.certificate), "--ssl-keyfile", str(files.key)]
        command += ["--ssl-protocol-min", "tls1.2"]
    return command


def web() -> int:
    """Become the web server; its workers start the journal and the pulse when they load the application."""
    command = granian_command()
    open_many_files()
    for name, size in MEMORY.items():
        os.environ.setdefault(name, str(size))
    os.chdir(settings.BASE_DIR)
    os.execv(command[0], command)  # noqa: S606 # nosec B606 # our own interpreter with arguments of our own.


def dimse() -> int:
    """Serve DICOM until told to stop."""
    from archive.dimse import secure, server
    from keystore import authority

    def context() -> ssl.SSLContext:
        # Asked again and again: a certificate that ends soon is renewed while this process serves.
        tls.settle()
        files = tls.dicom_files()
        return secure.context(files.certificate, files.key, authority.certificate())

    keep_freed_memory(KEPT_BYTES)
    serving("dimse")
    settle()
    server.run(context, inherited())
    return 0


BACKGROUND: Final = 10
"""How far background work stands back (nice) behind who sends and who reads."""


def worker() -> int:
    """Do background work, one job at a time, woken by messages; more of it is more of these processes."""
    from pacs.celery import app

    os.nice(BACKGROUND)
    serving("worker")
    app.worker_main(
        [
            "--quiet",
            "worker",
            "--pool=solo",
            "--loglevel=INFO",
            "--without-gossip",
            "--without-mingle",
            "--without-heartbeat",
        ]
    )
    return 0


def scheduler() -> int:
    """Once a second, wake what is due and do what has a time."""
    from accounts import enrolment, glass_reviews
    from archive import jobs, nightly
    from archive.rebuilding import settling
    from audit import upkeep
    from audit.messages import sender
    from pacs import celery

    ended = threading.Event()

    def end(signum: int, frame: FrameType | None) -> None:
        ended.set()

    celery.app.set_default()
    # Until its start is on record it may be ended like any program; then it ends between two ticks.
    serving("scheduler")
    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, end)
    telling = sender.start(ended)
    while not ended.wait(1.0):
        close_old_connections()
        for tick in (nightly.tick, settling.tick, jobs.tick, upkeep.tick, enrolment.tick, glass_reviews.tick):
            try:
                tick()
            except Exception:
                logger.exception("a tick failed")
    if telling is not None:
        telling.join(3.0)
    return 0


SERVERS: Final[dict[str, Callable[[], int]]] = {
    "all": everything,
    "web": web,
    "dimse": dimse,
    "worker": worker,
    "scheduler": scheduler,
}
