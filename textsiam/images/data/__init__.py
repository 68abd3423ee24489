"""Data: pictures and labelled images from files."""
