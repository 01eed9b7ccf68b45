"""How the gateway runs on Vercel: `index.py` is the entry, named in `pyproject.toml` and `vercel.json`."""
