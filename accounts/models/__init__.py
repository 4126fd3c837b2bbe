"""People, roles, groups, devices, tokens, and which studies are whose."""

from accounts.models.access import Access, AccessEpoch, Destroyed, Hold, Restricted, Withdrawn
from accounts.models.approvals import Approval
from accounts.models.desks import Desk
from accounts.models.devices import Caller, Device, Equipment
from accounts.models.links import SharedLink
from accounts.models.people import Group, People, Person, Role
from accounts.models.proofs import (
    Attempt,
    Challenge,
    KnownPlace,
    Passkey,
    RecoveryCode,
    Session,
    SetupLink,
    Token,
    TotpDevice,
)
from accounts.models.scope import BreakGlass, Grant, PhysicianLink, ScopeRule

__all__ = [
    "Access",
    "AccessEpoch",
    "Approval",
    "Attempt",
    "BreakGlass",
    "Caller",
    "Challenge",
    "Desk",
    "Destroyed",
    "Device",
    "Equipment",
    "Grant",
    "Group",
    "Hold",
    "KnownPlace",
    "Passkey",
    "People",
    "Person",
    "PhysicianLink",
    "RecoveryCode",
    "Restricted",
    "Role",
    "ScopeRule",
    "Session",
    "SetupLink",
    "SharedLink",
    "Token",
    "TotpDevice",
    "Withdrawn",
]
