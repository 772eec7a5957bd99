"""The real things behind identity's ports."""
