"""Care of the packs: what nobody names is swept, what is mostly dead or in many pieces is compacted."""
