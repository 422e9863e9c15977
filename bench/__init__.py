"""Benchmarks of the media node, beside Janus on the same machine. `python -m bench --help`; method: docs/benchmarks.md."""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks named on the command line; returns the exit status (see `bench.command`)."""
    from bench.command import run  # the rest is heavy and needs the test environment

    return run(arguments)
