"""The works that can be measured; each module offers ``WORK``, and ``bench.runner`` runs it."""
