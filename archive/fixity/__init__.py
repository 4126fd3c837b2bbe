"""Fixity: what is stored is read back, verified against what was recorded, and what is damaged is marked and told."""
