"""Encoders: the one part of a Siamese network that knows what an input is."""
