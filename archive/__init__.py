"""The studies: the index, the ways in and out, and the three edges."""
