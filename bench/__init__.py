"""What the gateway costs, beside a bare FastAPI + httpx pass-through in the same run: `python -m bench`.

Linux only, and it needs a C compiler: the client and the upstream must cost far less than what they measure.
"""
