"""The supervisor restarts what dies and takes everything along when it ends."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from server import processes
from server.processes import FIRST_DELAY_S, LONGEST_DELAY_S, ProcessSpec, RestartPolicy, Supervisor

pytestmark = pytest.mark.anyio

SLEEPER = "import time, sys\nopen(sys.argv[2], 'a').write(f'{__import__(\"os\").getpid()}\\n')\ntime.sleep(60)\n"


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not condition():
            await asyncio.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[int]]:
    """Every start of a process writes its pid; gives the pids of one name in order."""
    script = tmp_path / "run.py"
    script.write_text(SLEEPER)
    monkeypatch.setattr(processes, "RUN", script)
    monkeypatch.chdir(tmp_path)

    def pids(name: str) -> list[int]:
        file = tmp_path / name
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    return pids


def test_early_deaths_wait_ever_longer_and_a_steady_run_forgives() -> None:
    policy, delays = RestartPolicy(), []
    for _ in range(9):
        delay, policy = policy.died(ran_s=0.5)
        delays.append(delay)
    assert delays == sorted(delays)
    assert (delays[0], delays[-1]) == (FIRST_DELAY_S, LONGEST_DELAY_S)
    assert policy.died(ran_s=3600)[0] == FIRST_DELAY_S


async def test_a_killed_process_is_restarted_and_its_neighbour_is_left_alone(starts: Callable[[str], list[int]]) -> None:
    supervisor = Supervisor([ProcessSpec("one", ("x", "one")), ProcessSpec("two", ("x", "two"))])
    running = asyncio.create_task(supervisor.run())
    await until(lambda: len(starts("one")) == 1 and len(starts("two")) == 1)
    os.kill(starts("one")[0], signal.SIGKILL)
    await until(lambda: len(starts("one")) == 2)
    assert len(starts("two")) == 1
    assert alive(starts("two")[0])
    supervisor.stop()
    await running
    assert not any(alive(pid) for pid in [*starts("one"), *starts("two")])


async def test_stopping_does_not_wait_for_a_restart_delay(starts: Callable[[str], list[int]], tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("raise SystemExit(3)")
    supervisor = Supervisor([ProcessSpec("one", ("x", "one"))])
    running = asyncio.create_task(supervisor.run())
    await asyncio.sleep(0)
    supervisor.stop()
    async with asyncio.timeout(5):
        await running
