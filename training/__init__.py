"""How the shipped models are made: `make model`."""
