"""The SHA-256 of each model file beside this one; written by `make model`."""

CLASSIFIER_SHA256 = "8107bde7e43a8bfdb3c5489eea043608fe626b2e66a791773bfeb4255d088054"
EMBEDDED_SHA256 = "a98a6b3d3bd8b90214bb9c8f0965052858319eb3c9331e4f0fbcd6017961791b"
