"""Pure cryptography of the archive: no Django, no files, no network; every key is passed in.

``vault.objects`` seals and opens objects, ``vault.wrap`` keys under keys, ``vault.cells`` single table cells,
``vault.tokens`` makes search tokens, ``vault.notes`` signs checkpoints, ``vault.certificates`` issues X.509.
The bytes are fixed in ``docs/FORMAT.md``.
"""
