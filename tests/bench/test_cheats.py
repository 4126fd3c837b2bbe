"""A program that was made faster by skipping a promise is found out, and nothing that it reached would be printed."""

from pathlib import Path

import pytest

from bench import custos, objects, promises
from bench.sending import send
from tests import services
from tests.conftest import REQUIRED

AFTER = """
import importlib.machinery, sys

class Cheat:
    def find_spec(self, name, path, target=None):
        if name != {module!r}:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        run = spec.loader.exec_module
        def exec_module(module):
            run(module)
            {what}
        spec.loader.exec_module = exec_module
        return spec

sys.meta_path.insert(0, Cheat())
"""

NO_FLUSH = "import os\nos.fdatasync = lambda handle: None\n"
NO_RECORD = AFTER.format(module="archive.record", what="module.events = lambda admissions, refusals: []")
IN_THE_CLEAR = AFTER.format(
    module="archive.keys",
    what="""honest = module.Sealing.seal_into
            def seal_into(self, out):
                honest(self, out)
                out[104:104 + len(self._text)] = self._text
            module.Sealing.seal_into = seal_into""",
)
"""Each of what follows the header of an object stands there as it was sent; its length is right."""


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    ("cheat", "found"),
    [
        ("", ""),
        (NO_FLUSH, "before the disk had the pack"),
        (NO_RECORD, "0 are stored in the database"),
        (IN_THE_CLEAR, "in the clear"),
    ],
    ids=["none", "no flush", "no record", "in the clear"],
)
def test_a_promise_that_is_skipped_is_found(cheat: str, found: str, tmp_path: Path) -> None:
    if services.program("strace") is None:
        services.absent("strace", REQUIRED)
    (tmp_path / "sitecustomize.py").write_text(cheat)
    made = objects.kept(objects.mr(1, 8), tmp_path / "objects")
    files = sorted((tmp_path / "objects").iterdir())
    with custos.running(PACS_TLS="off", PYTHONPATH=str(tmp_path)) as ours:
        send(ours.archive.dicom_port, custos.TITLE, custos.SENDER, files, run=1)
        if not found:
            _look(ours, made, files)
            return
        with pytest.raises(promises.Broken, match=found):
            _look(ours, made, files)


def _look(ours: custos.Custos, made: list[objects.Made], files: list[Path]) -> None:
    promises.require_stored(ours, made, [1])
    promises.require_durable(ours, files, 2)
