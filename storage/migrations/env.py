"""Run by Alembic: apply the steps on the connection, and in the transaction, that `storage.migrations.migrate` opened."""

from alembic import context

from storage.base import Base

context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
