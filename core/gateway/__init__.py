"""The one road from a request to an answer: authorize, route, take a token, open, meter."""
