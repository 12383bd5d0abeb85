"""The shop's order system behind one port."""
