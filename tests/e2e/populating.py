"""Run as a program on a fresh installation: makes its groups, people and devices by the commands an operator types.

One process does them all, because starting the program takes longer than any of them. Prints the logins as JSON.
Told `newcomers ROLE GROUP NAME …`, it makes these people alone, for tests that want somebody who is new.
"""

import json
import sys
from io import StringIO
from typing import Any

PEOPLE: dict[str, tuple[str, str | None]] = {
    "rosa": ("clinician", "Radiology"),
    "tom": ("technologist", "Radiology"),
    "paul": ("privacy officer", None),
    "olga": ("clinician", "Cardiology"),
}
MORE: dict[str, tuple[str, str | None]] = {
    "ruth": ("clinician", "Radiology"),
    "remy": ("clinician", "Radiology"),
    "omar": ("clinician", "Cardiology"),
    "oona": ("clinician", "Cardiology"),
    "carl": ("technologist", "Cardiology"),
    "ada": ("administrator", None),
}
"""Those who come later, where the program is told `more`."""


def command(*words: str) -> Any:
    from django.core.management import call_command

    told = StringIO()
    call_command(*words, "--json", stdout=told)
    return json.loads(told.getvalue())


def people(wanted: dict[str, tuple[str, str | None]], *, tokens: bool) -> dict[str, dict[str, str]]:
    """Make people with working factors and, where asked for, a token each."""
    logins = {}
    for username, (role, group) in wanted.items():
        person = command("person", "add", username, "--role", role, *(["--group", group] if group else []))
        token = command("token", "add", username)["token"] if tokens else ""
        logins[username] = {**{key: person[key] for key in ("username", "password", "totp_uri")}, "token": token}
    return logins


def main() -> None:
    import django

    django.setup()
    if sys.argv[1:2] == ["newcomers"]:
        role, group, *names = sys.argv[2:]
        json.dump(people({name: (role, group or None) for name in names}, tokens=False), sys.stdout)
        return
    later = "more" in sys.argv[1:]
    for name in () if later else ("Radiology", "Cardiology"):
        command("group", "add", name)
    logins = people(MORE if later else PEOPLE, tokens=True)
    for ae_title, owner in () if later else (("CT_ONE", "Radiology"), ("ECHO_ONE", "Cardiology")):
        command("device", "add", ae_title, "--address", "127.0.0.1/32", "--group", owner, "--may", "store")
    json.dump(logins, sys.stdout)


if __name__ == "__main__":
    main()
