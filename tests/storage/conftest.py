"""Storage is tested on both databases."""

from tests.storage.postgres_cluster import *  # noqa: F403 - fixtures
