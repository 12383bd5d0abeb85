"""The SHA-256 of each model file beside this one; written by `make model`."""

CLASSIFIER_SHA256 = "db65944dba220d35716c5007bc247a21f9e90b92f2c359947e17fef76028fbb3"
