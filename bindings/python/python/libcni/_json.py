"""JSON as it goes to the core and comes from it."""

from __future__ import annotations

import ipaddress
import json
import os
from collections.abc import Mapping
from typing import Any

_ADDRESSES = (
    ipaddress.IPv4Address,
    ipaddress.IPv6Address,
    ipaddress.IPv4Network,  # the interface classes derive from the address classes
    ipaddress.IPv6Network,
)


def encode(value: object) -> str:
    """Return the JSON text of a value.

    Besides what ``json`` knows, mappings of any kind, paths, addresses and networks, and whatever has a ``to_dict``.

    >>> encode({"subnet": ipaddress.ip_network("10.1.0.0/16"), "n": 2**70})
    '{"subnet": "10.1.0.0/16", "n": 1180591620717411303424}'
    """
    return _ENCODER.encode(value)


def encode_with_texts(members: Mapping[str, object], texts: Mapping[str, str]) -> str:
    """Return the JSON text of an object, with some values that are JSON texts already.

    >>> encode_with_texts({"a": 1}, {"exact": "1.50"})
    '{"a": 1, "exact": 1.50}'
    """
    parts = [encode(members)[1:-1]] if members else []
    parts += [f"{encode(name)}: {text}" for name, text in texts.items()]
    return f"{{{', '.join(parts)}}}"


def decode(text: str) -> Any:
    """Return the Python value of a JSON text."""
    return json.loads(text)


def _other(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, _ADDRESSES):
        return str(value)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if hasattr(value, "to_dict"):
        return value.to_dict()
    msg = f"{type(value).__name__} cannot be written as JSON"
    raise TypeError(msg)


# Made once: to make one takes longer than to use it.
_ENCODER = json.JSONEncoder(default=_other, ensure_ascii=False, allow_nan=False)
