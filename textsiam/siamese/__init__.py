"""Siamese: two vectors are compared, whatever they are of, and a score becomes a decision."""
