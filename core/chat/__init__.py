"""The domain: requests, events, errors and the ports between rooms. Standard library only."""
