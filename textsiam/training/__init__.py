"""Training: how a text model is made, in Keras."""
