"""What an upstream does not do itself, and we do for it."""
