"""The version of this programme, as in pyproject.toml (a test compares)."""

VERSION = "0.1.0"
