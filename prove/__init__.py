"""The proof of README's claim: no message, no model output and no crash touches another's order, or does a thing twice."""
