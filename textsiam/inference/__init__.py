"""Inference: a trained model answers, in NumPy."""
