"""Pages: routes, forms, templates, scripts, styles. The only place that knows HTTP, language and look.

`server` fills `Services` and composes the application:

    from web import Services, Site, application
    app = application(services, extra_routes=[...], lifespan=...)

| module | what |
|---|---|
| `application` | `application(...)`, and its parts `routes()`, `middleware(...)`, `exception_handlers()` |
| `services` | `Services` (database, ports, plain values), `services_of(request)` |
| `access` | who may reach a page at all: `public`, `staff`; the login cookie becomes an `Actor` |
| `guards` | middleware: same-origin check, body limit, security headers |
| `errors` | one table: stable code → status and a sentence a person understands; as page or JSON |
| `language` | catalogues, choice of language, text size |
| `rendering` | templates; `assets`: styles, scripts and icons under one version |
| `pages/<noun>.py` | each exposes `routes` |
"""

from __future__ import annotations

from web.application import application, exception_handlers, middleware, routes
from web.services import Services, Site

__all__ = ["Services", "Site", "application", "exception_handlers", "middleware", "routes"]
