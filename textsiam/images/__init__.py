"""Images: data sets, pixels, the Siamese network and its pictures."""
