"""A contestant at work: a process that takes orders, so that its start does not count."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable
from contextlib import suppress
from types import TracebackType
from typing import Any

#: The environment of every contestant, and so of every plugin.
ENVIRONMENT = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/", "LC_ALL": "C"}


class Driver:
    """A driver with its settings; see benches/drivers/driver.h for both and for its orders."""

    def __init__(self, command: Iterable[str], settings: dict[str, Any]) -> None:
        texts = {key: str(value).lower() if isinstance(value, bool) else str(value) for key, value in settings.items()}
        arguments = [*command, *(f"{key}={text}" for key, text in texts.items())]
        self.name = arguments[0]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(arguments, env=ENVIRONMENT, stdin=pipe, stdout=pipe, text=True, bufsize=1)

    def ask(self, order: str) -> dict[str, Any]:
        """Give an order and wait for the answer."""
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(order + "\n")
            answer = self.process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        if not answer:
            sys.exit(f"{self.name} ended with status {self.process.wait()} at the order {order!r}")
        parsed: dict[str, Any] = json.loads(answer)
        return parsed

    def close(self) -> None:
        """Tell it that there are no more orders, and wait for its end."""
        assert self.process.stdin is not None and self.process.stdout is not None
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def __enter__(self) -> Driver:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
