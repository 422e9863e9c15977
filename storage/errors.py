"""What can go wrong in storage.

StorageError              base; `.code` is stable and may be shown to programs
├── UnsupportedUrlError   storage.unsupported-url    neither SQLite in a file nor PostgreSQL
├── SchemaError           storage.schema             the database was written by a newer or foreign programme
├── ChainBrokenError      storage.chain-broken       an audit chain does not verify
├── DuplicateFileError    storage.file-exists        create-only: the name is taken
├── MissingFileError      storage.file-missing       there is no such file
└── HostileNameError      storage.hostile-name       a file name that would leave the store or confuse a reader
"""

from __future__ import annotations


class StorageError(Exception):
    """Base of this package's errors."""

    code = "storage.error"


class UnsupportedUrlError(StorageError):
    code = "storage.unsupported-url"


class SchemaError(StorageError):
    code = "storage.schema"


class ChainBrokenError(StorageError):
    code = "storage.chain-broken"


class DuplicateFileError(StorageError):
    code = "storage.file-exists"


class MissingFileError(StorageError):
    code = "storage.file-missing"


class HostileNameError(StorageError):
    code = "storage.hostile-name"
