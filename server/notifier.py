"""The demo's `Notifier`: writes that a message would have gone out, never to whom or what it said."""

from __future__ import annotations

import structlog

from rooms.ports import Notifier

log = structlog.get_logger()


class LogNotifier(Notifier):
    """Stands where an SMS or e-mail gateway will be plugged in."""

    async def notify(self, address: str, template: str, values: dict[str, str]) -> None:
        """Log the template's name; address and values may identify a person and stay out of the log."""
        log.info("notifier.message", template=template)
