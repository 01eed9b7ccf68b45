"""`python -m core.cli`: the command `any2api` without an installation."""

import sys

from core.cli import main

if __name__ == "__main__":
    sys.exit(main())
