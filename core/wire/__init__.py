"""Bytes and frames: the HTTP client, and how a body is cut into frames. Knows nothing of any service."""
