"""Server processes under measurement: started on loopback with a temporary folder, measured, stopped by their own pid."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

_START_S = 20.0
_STOP_S = 5.0
_POLL_S = 0.05
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """Base of the benchmarks' own errors.

    BenchError
      ├─ PeerMissingError ─── Janus is not installed here
      ├─ StartError ─── a server did not come up
      └─ RunVoidError ─────── a run whose figures must not be used (garbage forwarded, generator too slow)
    """


class PeerMissingError(BenchError):
    """The peer to compare with is not installed."""


class StartError(BenchError):
    """A server ended or stayed silent while starting."""


class RunVoidError(BenchError):
    """The media content check failed, or the generator could not keep its own pace."""


class ServerProcess:
    """One server in its own process group. `close` ends just that group and removes its folder; idempotent."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self.name, self.folder = name, folder
        self._log = (folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            command,
            stdout=self._log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            env={**os.environ, **(environment or {})},
            start_new_session=True,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Poll `ready` until it is true.

        Raises:
            StartError: the process ended, or 20 s passed; the message ends with its last output.
        """
        deadline = time.monotonic() + _START_S
        while time.monotonic() < deadline and self._process.poll() is None:
            if ready():
                return
            time.sleep(_POLL_S)
        tail = (self.folder / "server.log").read_text(errors="replace")[-2000:]
        self.close()
        raise StartError(f"{self.name} did not start (exit {self._process.poll()}):\n{tail}")

    def cpu_s(self) -> float:
        """utime + stime of all threads so far, in seconds (proc(5); the kernel counts in ticks of 10 ms).

        Raises:
            RunVoidError: the process is gone.
        """
        try:
            fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        except OSError as error:
            raise RunVoidError(f"{self.name} ended while it was measured") from error
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def close(self) -> None:
        """Terminate, kill if it does not end, remove the folder."""
        if self._process.poll() is None:
            os.killpg(self.pid, signal.SIGTERM)
            try:
                self._process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                os.killpg(self.pid, signal.SIGKILL)
                self._process.wait()
        self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def temporary_folder(name: str) -> Path:
    """A fresh folder for one server."""
    return Path(tempfile.mkdtemp(prefix=f"shuoshi-bench-{name}-"))
