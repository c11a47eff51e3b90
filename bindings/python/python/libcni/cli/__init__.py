"""The command ``python -m libcni``, in the manner of cnitool."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence

from libcni.cli import commands
from libcni.cli.arguments import parse
from libcni.errors import CNIError

#: What shells say of a command that Ctrl-C ended.
INTERRUPTED = 128 + signal.SIGINT


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code: 0, or the number of the failure's status without its sign."""
    parsed = parse(arguments)
    try:
        commands.run(parsed)
    except CNIError as error:
        if parsed.json:
            print(error.to_json())
        else:
            print(f"libcni: {error}", file=sys.stderr)
        return -error.status_number
    except KeyboardInterrupt:
        print("libcni: interrupted", file=sys.stderr)
        return INTERRUPTED
    return 0
