"""Which SOP classes are kept: every storage class, vendors' private ones included, within what a sender may send."""

from pydicom._uid_dict import UID_dictionary

from accounts.actors import Actor

_STANDARD = "1.2.840.10008."
# Verification, DICOMDIR, storage commitment and the like: services, not objects of a patient.
_SERVICES = "1.2.840.10008.1."


def is_storage(sop_class: str) -> bool:
    """Tell whether objects of this class are composite objects to be kept (PS3.4 Annex B); unknown classes are."""
    if not sop_class.startswith(_STANDARD):
        return True
    if sop_class.startswith(_SERVICES):
        return False
    entry = UID_dictionary.get(sop_class)
    return entry is None or (entry[1] == "SOP Class" and "Storage" in entry[0])


def allowed(actor: Actor, sop_class: str) -> bool:
    """Tell whether this sender may send this class: devices may be bound to a few, everybody else is not."""
    return not actor.sop_classes or sop_class in actor.sop_classes
