"""The page at `/` for people, and the JSON API behind it.

What it shares with the public APIs (who may call, and the gateway of a request) `core.app` hands in.
"""
