"""A whole dialect from a description: how a request is made and what its answer means, without code of its own.

`description` reads a provider's table into frozen values; `request` and `response` are what it says about the two
directions; `decoder` turns an answer's frames into events. Presets describe the dialects that are known.
"""
