"""`any2api package PLATFORM`: the gateway as a zip for a function, the same bytes each time."""
