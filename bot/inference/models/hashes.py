"""The SHA-256 of each model file beside this one; written by `make model`."""

CLASSIFIER_SHA256 = "e4031e9b5b928b346b663c161067267121aebbab48418b85fec0020514aec335"
