"""The proof of the README's claim: nothing touches another customer's order, and nothing is done twice."""
