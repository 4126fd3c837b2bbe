"""What happened. Knows nothing of DICOM, of people's rights, or of the archive: only who did what and when."""
