"""How the embedded models learn, and how well any tier understands: phrases, training, evaluation."""
