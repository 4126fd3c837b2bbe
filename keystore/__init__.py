"""Keys of the installation: who holds the root, and the rows of epoch keys and installation keys wrapped beneath it."""
