"""The names of the rules, as they stand in the table for ever, and what each kind of them opens."""

from uuid import UUID

UNASSIGNED = UUID("00000000-0000-4000-8000-000000000001")
"""The group of studies that no rule assigns; made with the tables."""

BY_SENDER = "sender"
BY_NOBODY = "unassigned"
BY_PERSON = "given"
BY_RULE = "attribute"
OWNING = (BY_SENDER, BY_NOBODY, BY_PERSON, BY_RULE)
"""Rules that say whose a study is; the others let somebody look for a reason and a time."""
BY_PHYSICIAN = "physician"
BY_GLASS = "break-glass"
BY_GRANT = "grant"
BY_LINK = "link"
OPENS_RESTRICTED = (BY_GRANT, BY_GLASS, BY_LINK)
"""Rules that open a restricted study; groups and physicians do not."""
