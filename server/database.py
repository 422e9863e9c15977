"""The database as all processes open it: where it is, and how it gets to this version's form."""

from __future__ import annotations

import asyncio
import importlib

from server.settings import Settings
from storage.migrations import migrate

# Modules that define tables; importing them fills the metadata that migrations are compared with.
MODEL_MODULES = ("storage.audit", "storage.jobs", "storage.outbox", "cases.models", "rooms.models")


def load_models() -> None:
    """Import every module that defines tables."""
    for name in MODEL_MODULES:
        importlib.import_module(name)


def migrate_to_head(settings: Settings) -> None:
    """Create or upgrade the database. Quick when there is nothing to do."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    asyncio.run(migrate(settings.database))
