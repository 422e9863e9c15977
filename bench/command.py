"""The command line of the benchmarks: bounded load, one summary, an exit status that says whether the figures hold.

Exit status: 0 measured; 1 a run was void (garbage forwarded, streams missing, generator too slow) or could not be set up;
2 wrong arguments.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from statistics import median

from bench import rows
from bench.load.client import PROFILES
from bench.load.crowd import CrowdPlan
from bench.load.errors import LoadError
from bench.packets import Measurement, Start, alternate, ratios, start_janus, start_node
from bench.processes import BenchError

_MOST_MEMBERS = 300
_MOST_SECONDS = 600
PEERS: dict[str, Start] = {"janus": start_janus(0), "janus-2-loops": start_janus(2), "node": start_node()}


def run(arguments: Sequence[str] | None) -> int:
    """Run what the command line asks for; errors are one sentence on standard error."""
    options = _parser().parse_args(arguments)
    if not 2 <= options.size <= 16 or not 1 <= options.rooms * options.size <= _MOST_MEMBERS:
        print(f"rooms of 2 to 16, {_MOST_MEMBERS} members in all", file=sys.stderr)
        return 2
    if not 1 <= options.seconds <= _MOST_SECONDS or not 1 <= options.repetitions <= 50:
        print(f"1 to {_MOST_SECONDS} seconds, 1 to 50 repetitions", file=sys.stderr)
        return 2
    if unknown := set(options.peers.split(",")) - set(PEERS):
        print(f"unknown peers: {', '.join(sorted(unknown))}; known: {', '.join(PEERS)}", file=sys.stderr)
        return 2
    try:
        _packets(options)
    except (BenchError, LoadError) as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure the media node beside Janus; see docs/benchmarks.md."
    )
    parser.add_argument("--rooms", type=int, default=8, help="how many rooms at once (default %(default)s)")
    parser.add_argument("--size", type=int, default=3, help="members of a room (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a repetition (default %(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="on every peer, in turns (default %(default)s)")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="gcm128", help="SRTP profile (default %(default)s)")
    parser.add_argument("--address", default="", help="local address of all media (default: this machine's own)")
    parser.add_argument("--peers", default=",".join(PEERS), help="whom to measure, of %(default)s (in this order, in turns)")
    parser.add_argument(
        "--tolerate-late",
        type=float,
        default=0.05,
        help="fraction of packets the generator may send late (default %(default)s)",
    )
    parser.add_argument("--no-record", action="store_true", help="print only, leave docs/benchmarks.md as it is")
    return parser


def own_address() -> str:
    """This machine's first own IPv4 address other than loopback, which Janus does not use; loopback if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: connecting a datagram socket sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _packets(options: argparse.Namespace) -> None:
    plan = CrowdPlan(options.rooms, options.size, options.address or own_address(), PROFILES[options.profile])
    peers = {name: PEERS[name] for name in options.peers.split(",")}
    results = alternate(peers, plan, options.seconds, options.repetitions, options.tolerate_late, _tell)
    baselines = [peer for peer in peers if peer != "node"]
    packets = [_packet_row(options, plan, results, peer, baselines) for peer in peers]
    joins = [_join_row(results[peer]) for peer in peers]
    print("\n" + rows.show(packets) + "\n\n" + rows.show(joins))
    if not options.no_record:
        now = datetime.now(UTC)
        rows.record("Packet path", packets, now)
        rows.record("Joining", joins, now)


def _tell(result: Measurement) -> None:
    counters = result.counters
    print(
        f"{result.peer:15} {result.us_per_packet:6.1f} µs/packet in  {result.cpu_s / result.seconds:.3f} core"
        f"  in {counters.sent / result.seconds:.0f}/s  out {counters.received / result.seconds:.0f}/s  lost {result.lost}"
        f"  p50 {counters.latency_percentile_us(0.5)} µs  p99 {counters.latency_percentile_us(0.99)} µs"
        f"  generator {result.generator_cpu_s / result.seconds:.2f} core",
        flush=True,
    )


def _packet_row(
    options: argparse.Namespace, plan: CrowdPlan, results: dict[str, list[Measurement]], peer: str, baselines: list[str]
) -> dict[str, str]:
    runs = results[peer]
    costs = [run.us_per_packet for run in runs]
    seconds = sum(run.seconds for run in runs)
    return {
        "peer": peer,
        "load": f"{plan.rooms}×{plan.size}, {options.profile}, {len(runs)}×{options.seconds:g} s",
        "in/s": f"{sum(run.counters.sent for run in runs) / seconds:.0f}",
        "out/s": f"{sum(run.counters.received for run in runs) / seconds:.0f}",
        "CPU µs per packet in": f"{median(costs):.1f}",
        "each": " ".join(f"{cost:.1f}" for cost in costs),
        "rooms per core": f"{median(run.rooms_per_core for run in runs):.1f}",
        "lost": f"{sum(run.lost for run in runs)}",
        "p50/p99 µs": "{:.0f}/{:.0f}".format(
            *(median(run.counters.latency_percentile_us(part) for run in runs) for part in (0.5, 0.99))
        ),
        "times cheaper than": "; ".join(_ratio(results, peer, other) for other in baselines if other != peer) or "–",
    }


def _ratio(results: dict[str, list[Measurement]], peer: str, other: str) -> str:
    each = ratios(results[peer], results[other])
    return f"{other}: {median(each):.2f} ({min(each):.2f}–{max(each):.2f})"


def _join_row(runs: list[Measurement]) -> dict[str, str]:
    costs = [run.fill_cpu_s * 1000 / run.plan.members for run in runs]
    return {
        "peer": runs[0].peer,
        "members": f"{runs[0].plan.members} in rooms of {runs[0].plan.size}",
        "transports": str(runs[0].transports),
        "CPU ms per member": f"{median(costs):.1f}",
        "each": " ".join(f"{cost:.1f}" for cost in costs),
    }
