"""The models that Deskhand brings: their files, and the hashes they must have."""
