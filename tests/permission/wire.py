"""Who may do what on the wire: each service by each kind of device, by hand."""

from typing import Final

from tests.permission.lines import read

COLUMNS: Final = (
    # Of Radiology: it may store; it may nothing but associate; it was disabled; it speaks from another address.
    "storing",
    "mute",
    "disabled",
    "elsewhere",
    # It has, or had, a certificate, and speaks in the clear.
    "only tls",
    # Of Cardiology: it may store, and none of Radiology's studies is its own.
    "foreign",
    # Nobody knows this title.
    "unknown",
)
# A device that may not associate at all is refused (>); one that may is offered the classes of its services alone (-).
LINES: Final = read(
    """
WIRE C-ECHO                 ..>>> . >
WIRE C-STORE                .->>> . >  given a new image
WIRE C-STORE                .->>> . >  given a large new image
WIRE C-FIND                 -->>> - >
WIRE C-MOVE                 -->>> - >
WIRE C-GET                  -->>> - >
WIRE commitment             -->>> - >
WIRE worklist               -->>> - >
""",
    COLUMNS,
)
