"""One file per kind of upstream; `kind = "x"` in the configuration is the file `x.py` here."""
