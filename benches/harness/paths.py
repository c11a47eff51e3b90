"""Where things are."""

from __future__ import annotations

import os
from pathlib import Path

BENCHES = Path(__file__).resolve().parent.parent
ROOT = BENCHES.parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR") or ROOT / "target").absolute()
RELEASE = TARGET / "release"
#: Everything that is built for the benchmarks alone.
BUILT = TARGET / "bench"
PAGES = ROOT / "docs" / "performance"
