"""Pages: routes, forms, templates, scripts and styles."""
