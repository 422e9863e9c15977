"""`run.py verify`: checks a sealed record and says the outcome in plain words, in Chinese and English."""

from __future__ import annotations

import sys
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from recordings.verify import ALTERED, OK, Verdict, verify

HEADLINES = {
    OK: "未被改动 Unaltered: this is what was sealed, by the signer you named.",
    ALTERED: "被改动过 Altered: this is not what was sealed.",
    2: "自相一致，签名者未知 Consistent, signer unknown: give the published fingerprint with --fingerprint.",
}


def verify_package(package: Path, fingerprint: str) -> int:
    """Check the folder `package`; print every check; the exit code is the verdict's."""
    if not package.is_dir():
        typer.echo(f"There is no record folder at {package}.", err=True)
        return ALTERED
    verdict = _with_progress(package, fingerprint or None)
    for check in verdict.checks:
        mark = "✓" if check.passed else "✗"
        typer.echo(f"  {mark} {check.sentence('zh')}\n    {check.sentence('en')}")
    _say_signer(verdict)
    typer.echo(HEADLINES[verdict.exit_code])
    return verdict.exit_code


def _say_signer(verdict: Verdict) -> None:
    if verdict.fingerprint:
        typer.echo(f"  指纹 fingerprint  {verdict.fingerprint}")
        typer.echo(f"                    {verdict.words}")


def _with_progress(package: Path, fingerprint: str | None) -> Verdict:
    columns = (TextColumn("核验 checking"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("verify", total=None)
        return verify(package, fingerprint, lambda done, total: bar.update(task, completed=done, total=total))
