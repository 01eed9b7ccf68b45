"""The apps that are compared. Each module has a `make_app()`; UPSTREAM is the address of the upstream."""
