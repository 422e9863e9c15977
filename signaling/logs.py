"""The package's log: static event names with random ids as fields; never tokens, SDP, identities or names."""

from __future__ import annotations

from typing import Any

import structlog

log: Any = structlog.get_logger("signaling")
