"""One customer message in, replies out."""
