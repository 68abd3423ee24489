"""Scoring: whole tables and frames of pairs."""
