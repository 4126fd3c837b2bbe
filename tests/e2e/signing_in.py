"""Run as a program on an installation: signs somebody in with both factors; prints the cookie's name and value."""

import secrets
import sys


def main(username: str) -> None:
    import django

    django.setup()
    from django.conf import settings
    from django.utils import timezone

    from accounts import sessions
    from accounts.models import Person, Session

    key, now = secrets.token_hex(16), timezone.now()
    Session.objects.create(
        session_key=sessions.row_key(key),
        expire_date=now + sessions.ABSOLUTE,
        person=Person.objects.get(username=username),
        address="127.0.0.1",
        seen_at=now,
        verified_at=now,
        stepped_up_at=now,
    )
    print(settings.SESSION_COOKIE_NAME, key)


if __name__ == "__main__":
    main(sys.argv[1])
