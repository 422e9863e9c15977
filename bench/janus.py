"""Debian's Janus as a peer: VideoRoom only, Unix socket for signalling, media on one address."""

from __future__ import annotations

import shutil
from pathlib import Path

from bench.processes import PeerMissingError, ServerProcess, StartError, temporary_folder

_CONFIGURATION = {
    "janus.jcfg": """
general: {{
  configs_folder = "{folder}"
  plugins_folder = "{modules}/plugins"
  transports_folder = "{modules}/transports"
  events_folder = "{folder}"
  loggers_folder = "{folder}"
  debug_level = 4
  session_timeout = 60
  event_loops = {event_loops}
}}
nat: {{
  ice_lite = true
  ice_enforce_list = "{address}"
}}
plugins: {{ disable = "{other_plugins}" }}
transports: {{ disable = "{other_transports}" }}
""",
    "janus.transport.pfunix.jcfg": """
general: {{ enabled = true, json = "compact", path = "{folder}/janus.sock", type = "SOCK_SEQPACKET" }}
""",
    "janus.plugin.videoroom.jcfg": "general: {{ }}\n",
}
_MODULES = ("/usr/lib/x86_64-linux-gnu/janus", "/usr/lib/aarch64-linux-gnu/janus", "/usr/lib/janus")
_ATTEMPTS = 6
_OURS = ("libjanus_videoroom.so", "libjanus_pfunix.so")


class JanusServer(ServerProcess):
    """A Janus with a temporary configuration; `socket_path` is its API.

    `event_loops` as in janus.jcfg: 0 gives every peer connection a thread of its own (Debian's default), n shares n threads.
    """

    def __init__(self, address: str, *, event_loops: int) -> None:
        program = shutil.which("janus")
        modules = next((Path(name) for name in _MODULES if Path(name).is_dir()), None)
        if program is None or modules is None:
            raise PeerMissingError("Janus is not installed: apt-get install janus (or leave it out: --peers node)")
        folder = temporary_folder("janus")
        values = {
            "folder": folder,
            "modules": modules,
            "address": address,
            "event_loops": event_loops,
            "other_plugins": _others(modules / "plugins"),
            "other_transports": _others(modules / "transports"),
        }
        for name, text in _CONFIGURATION.items():
            (folder / name).write_text(text.format(**values))
        super().__init__("janus", [program, "--config", f"{folder}/janus.jcfg", "--configs-folder", str(folder)], folder)
        self.socket_path = folder / "janus.sock"
        self.wait_until(self.socket_path.exists)


def open_janus(address: str, *, event_loops: int) -> JanusServer:
    """A running Janus. Its socket thread gives up when it runs before the plugin is marked as ready, which a busy machine
    makes likely; so a failed start is tried again.

    Raises:
        PeerMissingError, StartError: it is not installed, or did not start in several attempts.
    """
    for _ in range(_ATTEMPTS - 1):
        try:
            return JanusServer(address, event_loops=event_loops)
        except StartError:
            continue
    return JanusServer(address, event_loops=event_loops)


def _others(modules: Path) -> str:
    return ",".join(sorted(path.name for path in modules.glob("*.so") if path.name not in _OURS))
