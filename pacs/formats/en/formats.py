"""Dates in English pages stand as year, month, day: never to be mistaken between continents."""

SHORT_DATE_FORMAT = "Y-m-d"
SHORT_DATETIME_FORMAT = "Y-m-d H:i"
