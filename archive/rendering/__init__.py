"""Runs in a process of its own (`archive.render`): decodes hostile pixels, and knows no key, file, network or index."""
