"""How upstreams speak: one file per dialect, pure functions from requests to bodies and from frames to events."""
