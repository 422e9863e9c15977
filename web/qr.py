"""A link as a QR picture, drawn as SVG into the page (nothing is fetched, nothing is styled inline)."""

from __future__ import annotations

import segno
from markupsafe import Markup

QUIET_MODULES = 4  # ISO/IEC 18004 §6.3.8


def picture(text: str, label: str) -> Markup:
    """An inline SVG of `text` with error correction M, with `label` for screen readers."""
    code = segno.make(text, error="m", micro=False)
    size = code.symbol_size(border=0)[0] + 2 * QUIET_MODULES
    rows = enumerate(code.matrix)
    path = "".join(
        f"M{x + QUIET_MODULES} {y + QUIET_MODULES}h1v1h-1z" for y, row in rows for x, dark in enumerate(row) if dark
    )
    svg = (
        '<svg class="ss-slip__qr" viewBox="0 0 {size} {size}" role="img" aria-label="{label}" shape-rendering="crispEdges">'
    )
    body = '<rect width="{size}" height="{size}" fill="#fff"/><path d="{path}" fill="#000"/></svg>'
    return Markup(svg + body).format(size=size, label=label, path=path)  # noqa: S704 - format escapes what it fills in
