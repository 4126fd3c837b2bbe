"""What raises an alert, in one table: what each kind means, what whoever reads it does, and what its subject names."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.actions import Action


class About(StrEnum):
    """What the subject of an alert is, so that a page can lead there."""

    RECORD = "record"
    STUDY = "study"  # its UID, and perhaps a name behind it
    ACTOR = "actor"  # `KIND NAME`, or a user name
    OBJECT = "object"
    PLACE = "place"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of alert: its name for people, what has happened, what to do now."""

    label: Promise
    happened: Promise
    advice: Promise
    about: About


RULES: dict[str, Rule] = {
    "tampering": Rule(
        _("The record was tampered with"),
        _("A verification, or the signer before it signed, found rows that are not what was written."),
        _("Change nothing, copy database and anchors, run “manage.py audit verify”. Find out who reaches the data."),
        About.RECORD,
    ),
    "verification-overdue": Rule(
        _("The record was not verified for too long"),
        _("No verification of the whole record has ended well for more days than are allowed."),
        _("Run “manage.py audit verify”; the page of the record's health says why the nightly one does not end well."),
        About.RECORD,
    ),
    "checkpoint-overdue": Rule(
        _("The record is not being signed"),
        _("Rows have waited for their signed checkpoint for more than ten minutes."),
        _("Look at the log of the scheduler: the signer needs the database, the root key and rows that are whole."),
        About.RECORD,
    ),
    "break-glass": Rule(
        _("Somebody broke the glass"),
        _("A study was opened in an emergency by somebody who may not see it otherwise."),
        _("Ask whoever did so for the reason, and look at what was opened."),
        About.STUDY,
    ),
    "anchor": Rule(
        _("An anchor fails"),
        _("A checkpoint or a certificate could not be copied to an anchor."),
        _("Make the anchor reachable and writable again; it is caught up by itself."),
        About.PLACE,
    ),
    "journal": Rule(
        _("A journal was changed"),
        _("A journal of what was sent does not open, so that deliveries may be missing in the record."),
        _("Keep the file that ends in “.damaged” and find out who can write to the data directory."),
        About.PLACE,
    ),
    "denials": Rule(
        _("Many refusals"),
        _("Many acts were refused within five minutes."),
        _("Look at what was tried. Disable the account or token, or shut the address out, if nobody can explain it."),
        About.ACTOR,
    ),
    "device-certificate": Rule(
        _("A device was refused over its certificate"),
        _("Who called showed no certificate, not that of its AE title, or spoke in the clear where TLS is due."),
        _("Ask whoever looks after the device; “manage.py device enrol” gives it a new certificate."),
        About.OBJECT,
    ),
    "certificate-ends": Rule(
        _("A device's certificate ends soon"),
        _("The certificate of a device ends within 30 days; from then on the device is refused."),
        _("Run “manage.py device enrol” for it and carry the new files to the device; the alert then ends."),
        About.OBJECT,
    ),
    "foreign-sender": Rule(
        _("Sent into another department's study"),
        _("A device sent images into a study of another department."),
        _("Ask the department whether that is meant; “manage.py group give” lets a group in."),
        About.STUDY,
    ),
    "recovery-code-used": Rule(
        _("A recovery code was used"),
        _("Somebody signed in with a recovery code in place of a second factor."),
        _("Ask whether it was they, and reset the second factors if not."),
        About.ACTOR,
    ),
    "sign-in-locked": Rule(
        _("Sign-in locked"),
        _("Several wrong passwords came in a row."),
        _("Ask whose account it is; look at the refusals if it was not they."),
        About.ACTOR,
    ),
    "damaged": Rule(
        _("A stored object is damaged"),
        _("Something stored does not open or is missing. It is never handed out."),
        _("Look at the disk and restore what is damaged from a backup; the alert ends once it verifies."),
        About.OBJECT,
    ),
    "certificate": Rule(
        _("A certificate of destruction that is not ours"),
        _("An anchor holds a certificate of destruction that this installation did not sign."),
        _("Find out who can write to the anchor. Nothing was destroyed because of it."),
        About.PLACE,
    ),
    "trashed-arrival": Rule(
        _("Images came for a study in the trash"),
        _("A device sent images for a study in the trash; they are kept with it, hidden."),
        _("Restore the study if it is still needed."),
        About.STUDY,
    ),
    "backup": Rule(
        _("A backup place was not reached"),
        _("Keys that were replaced could not be replaced in a backup place."),
        _("Make the place reachable and run the same command again."),
        About.PLACE,
    ),
    "syslog": Rule(
        _("Audit messages do not reach the collector"),
        _("The collector of audit messages has taken nothing for five minutes, or does not prove who it is."),
        _("Make it reachable, or look at its certificate. Nothing is lost: what waits is sent once it is back."),
        About.PLACE,
    ),
}  # fmt: skip

GRAVE = ("tampering", "break-glass", "checkpoint-overdue", "verification-overdue")
"""Kinds that a page names first, however many others came in since."""

# Kinds of event that raise an alert by being written, in the same transaction: without the alert there is no event.
ALARMING: dict[str, tuple[str, str]] = {
    Action.BREAK_GLASS: ("break-glass", "A study was opened in an emergency by {name}."),
}
