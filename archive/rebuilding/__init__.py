"""The index made anew: what lies in packs and no row names is given its rows again, from key table and packs alone."""
