"""The care of keys: what there is, another root, the recovery key, the end of an epoch. Each act passes the gate."""
