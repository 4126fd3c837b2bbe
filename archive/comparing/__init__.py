"""What two objects under one UID have in common. Runs only in the bounded process that `archive.comparison` starts."""
