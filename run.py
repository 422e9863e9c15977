#!/usr/bin/env python3
"""The command line of Shuoshi. Started by another Python, it runs itself again with the one in `.venv`."""

import os
import sys
from pathlib import Path

HOUSE = Path(__file__).resolve().parent
VENV_PYTHON = HOUSE / ".venv" / "bin" / "python"


def enter_environment() -> None:
    """Replace this process by the same command under `.venv`, unless that is already where we are."""
    if Path(sys.prefix).resolve() == VENV_PYTHON.parent.parent.resolve():
        return
    if not VENV_PYTHON.exists():
        sys.exit("The environment is not there yet. Please run: make run")
    os.execv(str(VENV_PYTHON), [str(VENV_PYTHON), __file__, *sys.argv[1:]])  # noqa: S606


if __name__ == "__main__":
    os.umask(0o077)  # database, records and keys are their owner's alone
    enter_environment()
    from server.commands import cli

    cli()
