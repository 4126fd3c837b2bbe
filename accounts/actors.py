"""Who acts: one frozen value that every service takes first."""

from dataclasses import dataclass, field, replace
from typing import Literal
from uuid import UUID

from accounts.policy import NEEDS, Permission
from audit.actions import Action
from audit.receipts import Who

Kind = Literal["person", "link", "device", "token", "system", "shell", "nobody"]


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, shared link, device, token, job or shell user at one moment.

    `id` is stable within its kind. `audiences` are the ids whose rows in the `access` table apply: the person's, link's
    or device's own first, then those of its groups. `verified` says that both factors (or an equal proof) were given;
    `stepped_up_at` is when the last second factor was, in seconds since the epoch. `as_of` is the access epoch at which
    all this was read: the gate reads it again once the epoch has risen.
    """

    kind: Kind
    id: str
    name: str
    role: str = ""
    permissions: frozenset[Permission] = frozenset()
    audiences: tuple[UUID, ...] = ()
    everywhere: bool = False
    verified: bool = False
    stepped_up_at: float | None = None
    address: str = ""
    ae_title: str = ""
    session: str = ""
    request_id: str = ""
    issuer: str = field(default="", kw_only=True)
    as_of: int = field(default=-1, kw_only=True, compare=False)
    sop_classes: frozenset[str] = field(default=frozenset(), kw_only=True)

    @property
    def key(self) -> str:
        return f"{self.kind}:{self.id}"

    @property
    def has_session(self) -> bool:
        """Whether a browser's session says who acts: that of a person, or of a shared link."""
        return self.kind in ("person", "link")

    @property
    def who(self) -> Who:
        """The copy that the log keeps."""
        return Who(
            self.kind, self.key, self.name, self.role, self.address, self.ae_title, self.session, self.request_id
        )

    def permitted(self, action: Action) -> bool:
        """Tell whether the actor has given its proofs and holds the permission that this act needs."""
        needed = NEEDS.get(action)
        return self.verified and needed is not None and needed in self.permissions

    def at(self, request_id: str) -> "Actor":
        """The same actor in another request or message."""
        return replace(self, request_id=request_id)


NOBODY = Actor("nobody", "-", "-")
