"""The SHA-256 of each model file beside this one; written by `make model`."""

CLASSIFIER_SHA256 = "95cfb28366612e3f287861ecca81a257d8b81b35f1e66d10395cb475fb1793c3"
