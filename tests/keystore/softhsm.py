"""A real token for tests: SoftHSM with a directory of its own, prepared by programs that are not ours."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from tests import services
from tests.conftest import REQUIRED

PIN, OFFICER = "4711-pin-of-the-token", "0815-pin-of-the-officer"
LIBRARIES = (
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
)


def library() -> Path:
    """Where SoftHSM's library is; the test is skipped, or fails, where there is none."""
    found = next((Path(place) for place in LIBRARIES if Path(place).is_file()), None)
    if found is None or not services.program("softhsm2-util") or not services.program("pkcs11-tool"):
        services.absent("softhsm", REQUIRED)
    return found


@dataclass(frozen=True)
class Hsm:
    """One directory of tokens, with one token in it."""

    root: Path
    module: Path
    token: str = "custos"

    @property
    def environment(self) -> dict[str, str]:
        return {"SOFTHSM2_CONF": str(self.root / "softhsm2.conf")}

    @property
    def tokens(self) -> Path:
        return self.root / "tokens"

    @property
    def pin(self) -> Path:
        return self.root / "pin"

    def url(self, label: str = "root", token: str = "", **more: str) -> str:
        attributes = {"module-path": str(self.module), "pin-source": f"file:{self.pin}", **more}
        query = "&".join(f"{name}={quote(value, safe='/:')}" for name, value in attributes.items())
        return f"pkcs11:token={quote(token or self.token)};object={quote(label)}?{query}"

    def write_pin(self, pin: str) -> None:
        self.pin.unlink(missing_ok=True)
        self.pin.write_text(f"{pin}\n")
        self.pin.chmod(0o400)

    def run(self, *command: str) -> str:
        done = subprocess.run(
            command, env={**os.environ, **self.environment}, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def tool(self, *arguments: str) -> str:
        """OpenSC's tool, signed in."""
        return self.run(
            "pkcs11-tool",
            "--module",
            str(self.module),
            "--token-label",
            self.token,
            "--login",
            "--pin",
            PIN,
            *arguments,
        )

    def init(self, label: str) -> None:
        self.run("softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", OFFICER, "--pin", PIN)


def make(root: Path, monkeypatch: pytest.MonkeyPatch) -> Hsm:
    """A token called custos; this process and its children see it."""
    hsm = Hsm(root, library())
    hsm.tokens.mkdir(parents=True)
    (root / "softhsm2.conf").write_text(
        f"directories.tokendir = {hsm.tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    for name, value in hsm.environment.items():
        monkeypatch.setenv(name, value)
    hsm.init(hsm.token)
    hsm.write_pin(PIN)
    return hsm
