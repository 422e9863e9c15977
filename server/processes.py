"""The supervisor: runs the product's processes on one machine and restarts any that dies, leaving the others alone.

A process that keeps dying is restarted ever more slowly (`RestartPolicy`). When the supervisor ends, by a signal or by being
killed, its processes end too.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

log = structlog.get_logger()

RUN = Path(__file__).resolve().parent.parent / "run.py"
FIRST_DELAY_S = 0.1
LONGEST_DELAY_S = 5.0
STEADY_S = 20.0
STOP_S = 10.0


@dataclass(frozen=True)
class RestartPolicy:
    """How long to wait before the next start. `delay_s` doubles with each early death and falls back after a steady run."""

    delay_s: float = FIRST_DELAY_S

    def died(self, ran_s: float) -> tuple[float, RestartPolicy]:
        """The process died after `ran_s` seconds: the delay before its restart, and the policy from then on."""
        if ran_s >= STEADY_S:
            return FIRST_DELAY_S, RestartPolicy(FIRST_DELAY_S * 2)
        return self.delay_s, replace(self, delay_s=min(self.delay_s * 2, LONGEST_DELAY_S))


@dataclass(frozen=True)
class ProcessSpec:
    """A process: its name and the arguments of `run.py` that start it."""

    name: str
    arguments: tuple[str, ...]


class Supervisor:
    """Owns the processes of `specs`. `run()` returns when `stop()` was called and all of them have ended."""

    def __init__(self, specs: Sequence[ProcessSpec], environment: dict[str, str] | None = None) -> None:
        self._specs = tuple(specs)
        self._environment = {**os.environ, **(environment or {})}
        self._stopping = asyncio.Event()
        self._pids: dict[str, int] = {}

    @property
    def pids(self) -> dict[str, int]:
        """The running processes by name."""
        return dict(self._pids)

    def stop(self) -> None:
        """Ask every process to end; may be called from a signal handler of the loop."""
        self._stopping.set()

    async def run(self) -> None:
        """Start all processes and keep them running until `stop()`."""
        async with asyncio.TaskGroup() as tasks:
            for spec in self._specs:
                tasks.create_task(self._keep_running(spec))

    async def _keep_running(self, spec: ProcessSpec) -> None:
        policy = RestartPolicy()
        loop = asyncio.get_running_loop()
        while not self._stopping.is_set():
            started = loop.time()
            process = await asyncio.create_subprocess_exec(
                sys.executable, str(RUN), *spec.arguments, env=self._environment, preexec_fn=_die_with_parent
            )
            self._pids[spec.name] = process.pid
            code = await self._until_ended(process)
            self._pids.pop(spec.name, None)
            if self._stopping.is_set():
                return
            delay_s, policy = policy.died(loop.time() - started)
            log.warning("process.died", name=spec.name, code=code, restart_in_s=delay_s)
            await self._pause(delay_s)

    async def _until_ended(self, process: asyncio.subprocess.Process) -> int:
        ended = asyncio.ensure_future(process.wait())
        stopping = asyncio.ensure_future(self._stopping.wait())
        try:
            await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                process.terminate()
                await asyncio.wait({ended}, timeout=STOP_S)
            if not ended.done():
                process.kill()
            return await ended
        finally:
            stopping.cancel()

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            pass


def _die_with_parent() -> None:
    """In the child: get SIGTERM when the supervisor dies (prctl(2) PR_SET_PDEATHSIG = 1), and leave its terminal group."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)
    os.setpgrp()
