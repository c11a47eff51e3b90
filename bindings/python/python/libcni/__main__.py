"""``python -m libcni``: the command cnitool; see ``python -m libcni --help``."""

import sys

from libcni.cli import main

if __name__ == "__main__":
    sys.exit(main())
