"""From bytes to attributes: a bounded walk over the structure, then the few that the index needs. No ORM, no pixels.

The bytes are hostile until walked: nothing else of the archive looks at an object before `walk` has passed it.
"""

from archive.dataset.facts import Facts, Pixels, facts
from archive.dataset.file_meta import FileMeta, file_head, part10, read_meta
from archive.dataset.inflation import plain_dataset
from archive.dataset.outline import Outline
from archive.dataset.structure import Element, Structure, walk
from archive.dataset.uids import DEFLATED, encoding

__all__ = [
    "DEFLATED",
    "Element",
    "Facts",
    "FileMeta",
    "Outline",
    "Pixels",
    "Structure",
    "encoding",
    "facts",
    "file_head",
    "part10",
    "plain_dataset",
    "read_meta",
    "walk",
]
