"""Backups: an encrypted, consistent, incremental copy of the whole archive, made while it is in use (docs/FORMAT.md).

A place holds packs as they are, rows of the database as sealed parts that later backups use again, a sealed manifest
for each backup, and one key part, which is replaced when keys are to be closed there.
"""
