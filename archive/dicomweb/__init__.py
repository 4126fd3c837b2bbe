"""The DICOMweb edge (PS3.18): translates HTTP to services and back, and holds no rules of its own."""
