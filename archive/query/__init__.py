"""Finding: criteria in, opened rows out; scope is part of the SQL, and every answer is on record before it is given."""

from archive.query.criteria import LIMIT, Criteria, Page, Span
from archive.query.levels import instances, priors, series, studies, study
from archive.query.rows import Found, InstanceRow, SeriesRow, StudyRow

__all__ = [
    "LIMIT",
    "Criteria",
    "Found",
    "InstanceRow",
    "Page",
    "SeriesRow",
    "Span",
    "StudyRow",
    "instances",
    "priors",
    "series",
    "studies",
    "study",
]
