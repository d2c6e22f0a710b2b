"""The fault rigs of the edge, behind ``tests/soak``."""
