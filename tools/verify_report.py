"""Verify a report on a patient from outside: is this PDF the one that the installation signed?

Run it as `python -I tools/verify_report.py --key KEY report.pdf report.pdf.note`, with the KEY that `manage.py audit
key` printed when it was noted down elsewhere. `verify_audit.py` must lie beside it; both use the standard library
alone. Exit 0: signed by that key, byte for byte. 1: another document, another signer, or no such note.
"""

import argparse
import base64
import binascii
import hashlib
import runpy
import sys
from pathlib import Path

FIRST_LINE = "custos-patient-report"


def problem(key: str, document: bytes, note: str) -> str:
    """Why the note does not vouch for the document; empty if it does."""
    name, _, rest = key.strip().partition("+")
    encoded = rest.partition("+")[2]
    text, gap, tail = note.rpartition("\n\n")
    text += "\n"
    if not gap or text != f"{FIRST_LINE}\nsha256 {hashlib.sha256(document).hexdigest()}\n":
        return "the note is not of this document"
    try:
        public = base64.b64decode(encoded, validate=True)[1:]
        marked = f"\N{EM DASH} {name} "
        lines = [line.removeprefix(marked) for line in tail.splitlines() if line.startswith(marked)]
        signatures = [base64.b64decode(line, validate=True)[4:] for line in lines]
    except binascii.Error:
        return "key or signature is not base64"
    holds = runpy.run_path(str(Path(__file__).with_name("verify_audit.py")))["signature_holds"]
    if not signatures or not all(holds(public, text.encode(), one) for one in signatures):
        return "the note is not signed by this key"
    return ""


def main() -> int:
    parser = argparse.ArgumentParser(description="Verify a Custos report on a patient from outside.")
    parser.add_argument("--key", required=True, help="as `manage.py audit key` prints it")
    parser.add_argument("report", type=Path)
    parser.add_argument("note", type=Path)
    given = parser.parse_args()
    found = problem(given.key, given.report.read_bytes(), given.note.read_text(encoding="utf-8"))
    sys.stdout.write(f"{found or 'intact: signed by this key, byte for byte'}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
