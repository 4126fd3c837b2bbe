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
        _("Review it under “Emergency access”: why, and what was opened. The verdict ends the alert."),
        About.STUDY,
    ),
    "break-glass-unreviewed": Rule(
        _("An emergency access was not reviewed"),
        _("Somebody broke the glass days ago, and nobody has judged it since."),
        _("Review it under “Emergency access”; the alert ends once nothing of that person waits."),
        About.ACTOR,
    ),
    "break-glass-guesses": Rule(
        _("Guesses at the emergency access"),
        _("Somebody asked several times in a row for emergency access to patients that were not found."),
        _("Ask what was looked for; the record has each attempt, with the numbers typed."),
        About.ACTOR,
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
        _("Look at the page of the device: it says what happened, and gives it a new certificate."),
        About.OBJECT,
    ),
    "certificate-ends": Rule(
        _("A device's certificate ends soon"),
        _("The certificate of a device ends within 30 days; from then on the device is refused."),
        _("Give it a new one on its page, or by “manage.py device enrol”, and carry that to it; the alert then ends."),
        About.OBJECT,
    ),
    "equipment": Rule(
        _("A device's equipment changed"),
        _("What a device sends names another machine, or other software, than before."),
        _("Ask whoever looks after the device whether it was replaced or updated. If not, find out who sends as it."),
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
    "passkey-copied": Rule(
        _("A passkey may have been copied"),
        _("A passkey was used whose count did not go on, as that of a copy would not. It was refused."),
        _("Ask whose it is to remove that passkey and to make another; reset the second factors if they are in doubt."),
        About.ACTOR,
    ),
    "passkeys-changed": Rule(
        _("Somebody's passkeys were changed"),
        _("Somebody added or removed a passkey of their own."),
        _("Ask whether it was they, and reset the second factors if not."),
        About.ACTOR,
    ),
    "link-guessed": Rule(
        _("Guesses at the passphrase of a shared link"),
        _("Somebody has the address of a shared link and gave several wrong passphrases in a row."),
        _("Ask whoever shared the study whether the address reached its reader alone; /shares/ ends the link."),
        About.STUDY,
    ),
    "app-changed": Rule(
        _("Somebody's authenticator app was changed"),
        _("Somebody added or removed an authenticator app of their own."),
        _("Ask whether it was they, and reset the second factors if not."),
        About.ACTOR,
    ),
    "token-elsewhere": Rule(
        _("An API token was used from a new address"),
        _("A token was used from an address from which it had not been used before."),
        _("Ask whose it is whether that was they; if not, end it under “API tokens” and look at what it did."),
        About.ACTOR,
    ),
    "sign-in-spraying": Rule(
        _("Many names tried from one address"),
        _("Wrong passwords for many names came from one address. It must wait longer each time."),
        _("Find out who is there; shut the address out if nobody can explain it. People known there still get in."),
        About.PLACE,
    ),
    "sign-in-locked": Rule(
        _("Sign-in locked"),
        _("Several wrong passwords came in a row."),
        _("Ask whose account it is; look at the refusals if it was not they. /people/locked/ ends the wait."),
        About.ACTOR,
    ),
    "approval": Rule(
        _("An act of two people was asked for"),
        _("Somebody asked for an act that a second person confirms or, with PACS_FOUR_EYES=off, that waits for a day."),
        _("Whoever holds the same permission looks at it on the page of acts of two people, and confirms or refuses."),
        About.ACTOR,
    ),
    "factors-reset": Rule(
        _("Factors were reset from the machine"),
        _("Whoever gives commands on the machine took somebody's password and second factor away, alone."),
        _("Ask whoever runs the machine whether that was meant, and the person whether they asked for it."),
        About.ACTOR,
    ),
    "power-given": Rule(
        _("Somebody was given power"),
        _("Somebody came to hold power over people, roles or keys: two people gave it, or whoever runs the machine."),
        _("Ask whoever gave it whether that is meant; the record names everybody."),
        About.ACTOR,
    ),
    "one-left": Rule(
        _("One person alone manages people"),
        _("Of several who managed people one is left. What gives power now waits a day in place of a second person."),
        _("Ask the others whether that is meant; the record says who did it. Whom it names does not mark it as seen."),
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

UNTIL_REVIEWED = frozenset({"break-glass"})
"""Kinds that nobody marks as seen: the verdict of a review ends them."""

NOT_BY_ITS_SUBJECT = frozenset({"one-left"})
"""Kinds that the very person they name does not mark as seen."""

# Kinds of event that raise an alert by being written, in the same transaction: without the alert there is no event.
ALARMING: dict[str, tuple[str, str]] = {
    Action.BREAK_GLASS: ("break-glass", "A study was opened in an emergency by {name}."),
}
