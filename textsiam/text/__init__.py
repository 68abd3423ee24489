"""Text: a question becomes token ids."""
