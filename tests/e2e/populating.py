"""Run as a program on a fresh installation: makes its groups, people and devices by the commands an operator types.

One process does them all, because starting the program takes longer than any of them. Prints the logins as JSON.
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


def main() -> None:
    import django

    django.setup()
    later = "more" in sys.argv[1:]
    for name in () if later else ("Radiology", "Cardiology"):
        command("group", "add", name)
    logins = {}
    for username, (role, group) in (MORE if later else PEOPLE).items():
        of = ["--group", group] if group else []
        person = command("person", "add", username, "--role", role, *of)
        token = command("token", "add", username)["token"]
        logins[username] = {**{key: person[key] for key in ("username", "password", "totp_uri")}, "token": token}
    for ae_title, owner in () if later else (("CT_ONE", "Radiology"), ("ECHO_ONE", "Cardiology")):
        command("device", "add", ae_title, "--address", "127.0.0.1/32", "--group", owner, "--may", "store")
    json.dump(logins, sys.stdout)


if __name__ == "__main__":
    main()
