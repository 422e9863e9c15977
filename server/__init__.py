"""The composition root: settings, processes, the application factory, adapters, health."""
