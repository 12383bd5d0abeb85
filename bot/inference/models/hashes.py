"""The SHA-256 of each model file beside this one; written by `make model`."""

CLASSIFIER_SHA256 = "bb191a6168e01616071758562ca7d18cf7dda4f820809020bda7617c0e950eb5"
