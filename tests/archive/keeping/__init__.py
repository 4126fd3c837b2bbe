"""The care of keys."""
