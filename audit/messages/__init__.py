"""The record told to a collector: DICOM audit messages (PS3.15 A.5) over syslog (RFC 5424) inside TLS (RFC 5425)."""
