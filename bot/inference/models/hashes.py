"""The SHA-256 of each model file beside this one; written by `make model`."""

CLASSIFIER_SHA256 = "1ca3db25db5e2716d05c392662643b84c9db9a7a66d101cbc2bc81231c86ed94"
