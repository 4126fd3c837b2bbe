"""Giving out: every function asks the gate when it is called, and opens only what it hands over, piece by piece."""

from archive.render import View
from archive.retrieve.documents import Documents, bulkdata, metadata
from archive.retrieve.objects import AS_STORED, Instances, Opened, instances
from archive.retrieve.pictures import Picture, rendered, thumbnail
from archive.retrieve.pixels import Frame, Frames, frames
from archive.retrieve.reports import displayed
from archive.retrieve.zipped import archive

__all__ = [
    "AS_STORED",
    "Documents",
    "Frame",
    "Frames",
    "Instances",
    "Opened",
    "Picture",
    "View",
    "archive",
    "bulkdata",
    "displayed",
    "frames",
    "instances",
    "metadata",
    "rendered",
    "thumbnail",
]
