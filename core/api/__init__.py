"""The public surfaces: one file per API parses its requests and renders its answers."""
