"""Logs: one line per event, a static name and fields; ids only, never names, tokens, SDP or speech."""

from __future__ import annotations

import logging
import sys

import structlog


def set_up(process: str, *, verbose: bool = False) -> None:
    """Send structlog and the standard library's warnings to standard error, marked with the process's name."""
    level = logging.DEBUG if verbose else logging.INFO
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.KeyValueRenderer(key_order=["timestamp", "level", "process", "event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.bind_contextvars(process=process)
    logging.basicConfig(level=logging.WARNING, format=f"process={process} logger=%(name)s level=%(levelname)s %(message)s")
