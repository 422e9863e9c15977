"""Database engines, ids, files, audit chains, jobs, outbox, migrations."""
