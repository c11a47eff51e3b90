"""The command ``python -m libcni``: that of cnitool, by the same code."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence

from libcni import _libcni


def main(arguments: Sequence[str | os.PathLike[str]] | None = None) -> int:
    """Run the command and return its exit code, which ``--help`` explains.

    It is a program's whole life: Ctrl-C and the signals that ask a program to end belong to it from then on.
    """
    # Python's own handler would raise KeyboardInterrupt behind an interrupted command. What is ignored stays so.
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.stdout.flush()
    return _libcni.run_command([*(sys.argv[1:] if arguments is None else arguments)])
