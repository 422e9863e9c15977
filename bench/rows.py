"""Rows of figures: printed as a table, and kept in docs/benchmarks.md below the heading of their benchmark."""

from __future__ import annotations

import os
import platform
import ssl
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from bench.processes import BenchError

_HOUSE = Path(__file__).resolve().parent.parent
DOCUMENT = _HOUSE / "docs" / "benchmarks.md"

_LOAD_BEFORE = os.getloadavg()[1]
"""Average over the five minutes before the benchmarks began."""

Row = Mapping[str, str]


def show(rows: Sequence[Row]) -> str:
    """The rows as an aligned text table."""
    names = list(rows[0])
    lines = [names, *([row[name] for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def record(title: str, rows: Iterable[Row], now: datetime, document: Path = DOCUMENT) -> None:
    """Append the rows, with date, commit and machine, to the table under `### {title}`.

    Raises:
        BenchError: the document has no such heading, or its table has other columns.
    """
    common = {"date (UTC)": f"{now:%Y-%m-%d %H:%M}", "commit": commit(), "machine": machine()}
    full = [{**common, **row} for row in rows]
    lines = document.read_text(encoding="utf-8").split("\n")
    heading = f"### {title}"
    if heading not in lines:
        raise BenchError(f"{document.name} has no heading {heading!r}")
    first = next((i for i in range(lines.index(heading), len(lines)) if lines[i].startswith("|")), None)
    header = _cells(full[0])
    if first is None or lines[first] != header:
        raise BenchError(f"the table under {heading!r} in {document.name} needs the header {header}")
    end = next((i for i in range(first, len(lines)) if not lines[i].startswith("|")), len(lines))
    lines[end:end] = [_cells(row.values()) for row in full]
    document.write_text("\n".join(lines), encoding="utf-8")


def commit() -> str:
    """The short commit id; "+" after it when tracked files differ from it."""
    asked = ("git", "-C", str(_HOUSE))
    try:
        head = subprocess.run([*asked, "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=True).stdout
        changed = subprocess.run([*asked, "diff", "--quiet", "HEAD"], capture_output=True, check=False).returncode
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head.strip() + ("+" if changed else "")


def machine() -> str:
    """Processor, kernel, Python, OpenSSL and how busy it was before; nothing that names the host."""
    processor = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            processor = line.partition(":")[2].strip()
            break
    kernel = ".".join(platform.release().split(".")[:2])
    openssl = ssl.OPENSSL_VERSION.split()[1]
    parts = [f"{processor}, {os.cpu_count()} CPUs", f"Linux {kernel}", f"Python {platform.python_version()}"]
    parts += [f"OpenSSL {openssl}", f"load before {_LOAD_BEFORE:.1f}"]
    if os.sched_getscheduler(0) != os.SCHED_OTHER:
        parts.append("real-time priority")
    return ", ".join(parts)


def _cells(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"
