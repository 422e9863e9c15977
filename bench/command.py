"""The command line of the benchmarks: bounded load, a table of each, an exit status that says whether the figures hold.

Exit status: 0 measured; 1 a run was void (garbage forwarded, packets missing, generator too slow) or could not be set up;
2 wrong arguments.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from bench import first_frame, reports, rows
from bench.load.client import PROFILES
from bench.load.crowd import CrowdPlan
from bench.load.errors import LoadError
from bench.packets import Measurement, Start, alternate, start_janus, start_node, start_recorded_node
from bench.processes import BenchError

_MOST_MEMBERS = 300
_MOST_SECONDS = 600
_MOST_REPETITIONS = 50
PEERS: dict[str, Start] = {"janus": start_janus(0), "janus-2-loops": start_janus(2), "node": start_node()}


def run(arguments: Sequence[str] | None) -> int:
    """Run what the command line asks for; errors are one sentence on standard error."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    try:
        for name in options.only:
            BENCHMARKS[name](options)
    except (BenchError, LoadError) as error:
        print(f"no figures: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench", description="Measure the media node beside Janus; see docs/benchmarks.md."
    )
    parser.add_argument("--only", type=_names(BENCHMARKS), default=list(BENCHMARKS), help=f"of {','.join(BENCHMARKS)}")
    parser.add_argument("--peers", type=_names(PEERS), default=list(PEERS), help=f"of {','.join(PEERS)}, in turns")
    parser.add_argument("--rooms", type=int, default=8, help="how many rooms at once (default %(default)s)")
    parser.add_argument("--size", type=int, default=3, help="members of a room (default %(default)s)")
    parser.add_argument("--seconds", type=float, default=20.0, help="length of a repetition (default %(default)s)")
    parser.add_argument("--repetitions", type=int, default=5, help="on every peer, in turns (default %(default)s)")
    parser.add_argument("--profile", choices=sorted(PROFILES), default="gcm128", help="SRTP profile (default %(default)s)")
    parser.add_argument("--address", default="", help="local address of all media (default: this machine's own)")
    parser.add_argument(
        "--tolerate-late",
        type=float,
        default=0.05,
        help="fraction of packets the generator may send late (default %(default)s)",
    )
    parser.add_argument("--no-record", action="store_true", help="print only, leave docs/benchmarks.md as it is")
    return parser


def _names(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
        return names

    return parse


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if not 2 <= options.size <= 16 or not 1 <= options.rooms * options.size <= _MOST_MEMBERS:
        parser.error(f"rooms of 2 to 16, {_MOST_MEMBERS} members in all")
    if not 1 <= options.seconds <= _MOST_SECONDS or not 1 <= options.repetitions <= _MOST_REPETITIONS:
        parser.error(f"1 to {_MOST_SECONDS} seconds, 1 to {_MOST_REPETITIONS} repetitions")


def own_address() -> str:
    """This machine's own IPv4 address other than loopback, which Janus does not use; loopback if there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # TEST-NET-1: connecting a datagram socket sends nothing
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _packets(options: argparse.Namespace) -> None:
    results = _alternate(options, {name: PEERS[name] for name in options.peers})
    _finish(options, "Packet path", reports.packet_rows(results, options.profile))
    _finish(options, "Joining", reports.join_rows(results))


def _capture(options: argparse.Namespace) -> None:
    results = _alternate(options, {"node": start_node(), "node, recording": start_recorded_node})
    row = reports.capture_row(results["node"], results["node, recording"], options.profile)
    _finish(options, "Capture", [row])


def _first_frame(options: argparse.Namespace) -> None:
    joins = first_frame.measure(options.address or own_address(), joins=4 * options.repetitions)
    _finish(options, "First remote frame", [reports.first_frame_row(*zip(*joins, strict=True))])


BENCHMARKS: dict[str, Callable[[argparse.Namespace], None]] = {
    "packets": _packets,
    "capture": _capture,
    "first-frame": _first_frame,
}


def _alternate(options: argparse.Namespace, peers: dict[str, Start]) -> dict[str, list[Measurement]]:
    plan = CrowdPlan(options.rooms, options.size, options.address or own_address(), PROFILES[options.profile])
    return alternate(peers, plan, options.seconds, options.repetitions, options.tolerate_late, _tell)


def _finish(options: argparse.Namespace, title: str, table: list[dict[str, str]]) -> None:
    print(f"\n{title}\n{rows.show(table)}\n", flush=True)
    if not options.no_record:
        rows.record(title, table, datetime.now(UTC))


def _tell(result: Measurement) -> None:
    counters = result.counters
    print(
        f"{result.peer:15} {result.us_per_packet:6.1f} µs/packet in  {result.core:.3f} core"
        f"  in {counters.sent / result.seconds:.0f}/s  out {counters.received / result.seconds:.0f}/s  lost {result.lost}"
        f"  p50 {counters.latency_percentile_us(0.5)} µs  p99 {counters.latency_percentile_us(0.99)} µs"
        f"  generator {result.generator_cpu_s / result.seconds:.2f} core",
        flush=True,
    )
