"""Makes the embedded language model, bot/inference/models/embedded.gguf, from the phrases, in NumPy alone."""

import os

# Each hand of the crew has a core; threads of NumPy's own would only wait for one another. Read at NumPy's import.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
