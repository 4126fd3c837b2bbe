"""Edge 1: DICOM on the wire (PS3.7, PS3.8). Translates associations and messages; the services decide."""
