"""Studies on their way out of the archive."""
