"""Tells the log to a collector. The log is the queue: nothing is kept but how far the collector is safely told.

Syslog acknowledges nothing. So each connection is short (some seconds or some hundred rows), and the cursor is put on
only when it has ended well: an end that answers ours proves that the collector has read everything. After any other end
what lies behind the cursor is sent again; a receiver tells what came twice by log and seq.
"""

import logging
import socket
import ssl
import threading
import time
from secrets import SystemRandom

from django.conf import settings
from django.db import Error as DatabaseFault
from django.db import close_old_connections, connection

from audit import alerts, checkpoints, turns
from audit.messages import backlog, cursor
from audit.messages.backlog import Batch
from audit.messages.channel import Channel, Trust
from audit.messages.cursor import Place
from audit.messages.mapping import Source
from audit.messages.watch import Watch

logger = logging.getLogger("audit.messages")

TURN = "syslog"
CONNECTION_SECONDS = 5.0
POLL_SECONDS = 1.0
MOST_BATCHES = 20  # a thousand rows
LONGEST_PAUSE = 60.0


class Ended(Exception):
    """Whoever runs the sender wants it to end."""


def start(ended: threading.Event) -> threading.Thread | None:
    """Run the sender in a thread of its own until `ended`, where a destination is named."""
    if not settings.PACS_SYSLOG_URL:
        return None
    thread = threading.Thread(target=run, args=(ended,), name="syslog", daemon=True)
    thread.start()
    return thread


def run(ended: threading.Event) -> None:
    """Tell what there is to the destination of PACS_SYSLOG_URL, again and again, until `ended`."""
    url = settings.PACS_SYSLOG_URL
    trust = Trust(settings.PACS_SYSLOG_CA, settings.PACS_SYSLOG_CERT, settings.PACS_SYSLOG_KEY)
    watch = Watch(url)
    while not ended.is_set():
        try:
            close_old_connections()
            _turn(url, trust, watch, ended)
        except Ended:
            break
        except ssl.SSLCertVerificationError as error:
            watch.tell(f"The collector's certificate is not believed ({error.verify_message}); nothing is sent.")
        except OSError as error:
            logger.warning("the collector of audit messages is not reached: %s", _reason(error))
        except Exception:
            logger.exception("telling the record failed")
        if not ended.wait(pause(watch.failures)):
            watch.failures += 1
            _look(url, watch)
    connection.close()


def pause(failures: int) -> float:
    """How many seconds to wait after so many failures in a row: ever longer, and never all senders at once."""
    longest: float = min(LONGEST_PAUSE, 2.0 ** min(failures, 10))
    return longest * SystemRandom().uniform(0.5, 1.0)


def _reason(error: OSError) -> str:
    return str(getattr(error, "reason", "") or error.strerror or type(error).__name__)


def _look(url: str, watch: Watch) -> None:
    """Between two connections, too, somebody must hear that rows wait."""
    try:
        place = cursor.of(url)
        watch.look(waiting=place is not None and place != cursor.head())
    except DatabaseFault:
        logger.warning("the cursor of audit messages cannot be read")


def _turn(url: str, trust: Trust, watch: Watch, ended: threading.Event) -> None:
    """Tell what comes for as long as connections end well and nobody moves the cursor."""
    with turns.alone(TURN) as mine:
        if not mine:
            # Another process tells the log; it watches its progress itself.
            watch.look(waiting=False)
            return
        source = Source(checkpoints.origin(1), socket.gethostname())
        place = cursor.begin(url)
        while True:
            batch = _next(url, place, source, watch, ended)
            if batch is None:
                return
            channel = Channel(url, trust)
            try:
                told = _tell(channel, batch, source, watch, ended)
            finally:
                channel.close()
            if not cursor.move(url, place, told):
                return
            watch.moved()
            place = told


def _next(url: str, place: Place, source: Source, watch: Watch, ended: threading.Event) -> Batch | None:
    """What waits behind the cursor, as soon as there is something; None where somebody has moved the cursor."""
    while cursor.of(url) == place:
        batch = backlog.after(place, source)
        if batch is not None:
            return batch
        if cursor.beyond(place):
            words = f"The collector was told up to row {place.seq} of log {place.log}, but the log ends before it."
            alerts.raise_("tampering", checkpoints.origin(place.log), words)
            cursor.move(url, place, place._replace(seq=0))
            return None
        watch.look(waiting=False)
        if ended.wait(POLL_SECONDS):
            raise Ended
    return None


def _tell(channel: Channel, batch: Batch, source: Source, watch: Watch, ended: threading.Event) -> Place:
    """Write this batch and what comes in the next seconds; return the place up to which the collector has read."""

    def idle() -> None:
        if ended.is_set():
            raise Ended
        watch.look(waiting=True)

    until = time.monotonic() + CONNECTION_SECONDS
    following: Batch | None = batch
    place = batch.place
    for _ in range(MOST_BATCHES):
        while following is None and time.monotonic() < until:
            idle()
            ended.wait(min(POLL_SECONDS, max(0.0, until - time.monotonic())))
            following = backlog.after(place, source)
        if following is None:
            break
        channel.write(following.frames, idle)
        place = following.place
        following = backlog.after(place, source) if time.monotonic() < until else None
    channel.finish(idle)
    return place
