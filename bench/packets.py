"""The packet path: CPU time of a server per forwarded packet, under the same crowd of real clients.

Each repetition starts a fresh server, fills the rooms, sends for a warm-up, then measures. Peers take turns within a
repetition, so that other work on the machine falls on all of them alike.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bench.janus import open_janus
from bench.load.capture import CapturedCrowd
from bench.load.client import Identity
from bench.load.crowd import Crowd, CrowdPlan, Transports
from bench.load.janus import JanusCrowd
from bench.load.node import NodeCrowd
from bench.load.pump import Counters, Pump
from bench.node import NodeServer
from bench.processes import RunVoidError, ServerProcess

PACKETS_PER_MEMBER_S = 180
"""130 video and 50 audio packets a second, see load/pump.c."""
WARM_UP_S = 2.0
_DRAIN_S = 0.3
_LOSS_LIMIT = 0.01

Start = Callable[[CrowdPlan, Transports], tuple[ServerProcess, Crowd]]


@dataclass(frozen=True)
class Measurement:
    """One repetition on one peer. `seconds` of sending, `cpu_s` of the server in it, `fill_cpu_s` while joining."""

    peer: str
    plan: CrowdPlan
    seconds: float
    cpu_s: float
    fill_cpu_s: float
    transports: int
    generator_cpu_s: float
    counters: Counters

    @property
    def us_per_packet(self) -> float:
        """CPU µs of the server per inbound packet, its `size - 1` outbound copies included."""
        return self.cpu_s / self.counters.sent * 1e6

    @property
    def core(self) -> float:
        """Cores the server kept busy."""
        return self.cpu_s / self.seconds

    @property
    def rooms_per_core(self) -> float:
        """Rooms of this size that one core could carry at this cost."""
        return 1e6 / (self.us_per_packet * self.plan.size * PACKETS_PER_MEMBER_S)

    @property
    def lost(self) -> int:
        """Packets that should have arrived and did not."""
        return self.counters.sent * (self.plan.size - 1) - self.counters.received

    @property
    def loss(self) -> float:
        """Lost packets as a fraction of those expected."""
        return self.lost / (self.counters.sent * (self.plan.size - 1))


def start_janus(event_loops: int) -> Start:
    """Debian's Janus; see `bench.janus.JanusServer` for `event_loops`."""

    def start(plan: CrowdPlan, transports: Transports) -> tuple[ServerProcess, Crowd]:
        server = open_janus(plan.address, event_loops=event_loops)
        return server, _or_close(server, lambda: JanusCrowd(server.socket_path, transports))

    return start


def start_node(environment: Mapping[str, str] | None = None) -> Start:
    """Our node, with additional settings if any."""

    def start(plan: CrowdPlan, transports: Transports) -> tuple[ServerProcess, Crowd]:
        server = NodeServer(plan.address, environment)
        return server, _or_close(server, lambda: NodeCrowd(server.address, transports))

    return start


def start_recorded_node(plan: CrowdPlan, transports: Transports) -> tuple[ServerProcess, Crowd]:
    """Our node, recording every room."""
    server = NodeServer(plan.address)
    return server, _or_close(server, lambda: CapturedCrowd(server.address, NodeCrowd(server.address, transports)))


def _or_close(server: ServerProcess, crowd: Callable[[], Crowd]) -> Crowd:
    try:
        return crowd()
    except BaseException:
        server.close()
        raise


def measure(peer: str, start: Start, plan: CrowdPlan, seconds: float, tolerated_late: float = 0.05) -> Measurement:
    """One repetition; `tolerated_late` is the fraction of packets the generator may send more than 5 ms late.

    Raises:
        RunVoidError: garbage was forwarded, packets or streams were missing, or the generator was too slow.
        LoadError, BenchError: it could not be set up.
    """
    transports = Transports(Pump(), Identity())
    try:
        server, crowd = start(plan, transports)
        try:
            result = _measure(peer, server, crowd, transports, plan, seconds)
        finally:
            crowd.close()
            server.close()
    finally:
        transports.close()
    judge(result, tolerated_late)
    return result


def _measure(
    peer: str, server: ServerProcess, crowd: Crowd, transports: Transports, plan: CrowdPlan, seconds: float
) -> Measurement:
    before = server.cpu_s()
    crowd.fill(plan)
    fill_cpu_s = server.cpu_s() - before
    transports.begin(1)
    transports.pump(crowd, WARM_UP_S, sending=True)
    transports.begin(2)
    cpu_s, own_s, began = server.cpu_s(), time.process_time(), time.monotonic()
    transports.pump(crowd, seconds, sending=True)
    cpu_s, own_s, took = server.cpu_s() - cpu_s, time.process_time() - own_s, time.monotonic() - began
    transports.pump(crowd, _DRAIN_S, sending=False)
    return Measurement(peer, plan, took, cpu_s, fill_cpu_s, len(transports), own_s, transports.counters())


def judge(result: Measurement, tolerated_late: float) -> None:
    """Refuse figures of a run that did not do the work.

    Raises:
        RunVoidError: says what was wrong.
    """
    counters, plan = result.counters, result.plan
    broken = counters.unauthentic + counters.corrupt + counters.foreign
    if broken:
        raise RunVoidError(
            f"{result.peer} forwarded {counters.unauthentic} packets that do not decrypt, {counters.corrupt} with other"
            f" content than was sent and {counters.foreign} of another room"
        )
    if counters.streams_heard != plan.streams_expected:
        raise RunVoidError(f"{result.peer}: {counters.streams_heard} of {plan.streams_expected} streams were heard")
    if result.loss > _LOSS_LIMIT:
        raise RunVoidError(f"{result.peer} lost {result.loss:.1%} of the packets: what is not forwarded costs nothing")
    if counters.sent_late > tolerated_late * counters.sent:
        raise RunVoidError(
            f"the generator sent {counters.sent_late} of {counters.sent} packets more than 5 ms late: "
            "fewer rooms, or a quieter machine"
        )


def alternate(
    peers: Mapping[str, Start],
    plan: CrowdPlan,
    seconds: float,
    repetitions: int,
    tolerated_late: float,
    told: Callable[[Measurement], None],
) -> dict[str, list[Measurement]]:
    """`repetitions` on every peer, in turns; `told` hears of each as it is done."""
    results: dict[str, list[Measurement]] = {peer: [] for peer in peers}
    for _ in range(repetitions):
        for peer, start in peers.items():
            results[peer].append(measure(peer, start, plan, seconds, tolerated_late))
            told(results[peer][-1])
    return results


def ratios(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> list[float]:
    """How many times cheaper ours was, repetition by repetition."""
    return [their.us_per_packet / our.us_per_packet for our, their in zip(ours, theirs, strict=True)]
