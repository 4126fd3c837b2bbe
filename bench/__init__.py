"""Measures, beside a peer: the speed of the archive, with every promise switched on."""
