"""The benchmarks: contestants in turn within one run, compared pair by pair. See docs/performance.md."""
