"""The rows each benchmark prints and keeps: medians, with every repetition's figure beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

from bench.packets import Measurement, ratios

Results = Mapping[str, Sequence[Measurement]]


def packet_rows(results: Results, profile: str) -> list[dict[str, str]]:
    """One row for each peer; our node is compared with every other."""
    return [_packet_row(results, peer, profile) for peer in results]


def _packet_row(results: Results, peer: str, profile: str) -> dict[str, str]:
    runs = results[peer]
    seconds = sum(run.seconds for run in runs)
    p50, p99 = (median(run.counters.latency_percentile_us(part) for run in runs) for part in (0.5, 0.99))
    others = [other for other in results if other != peer] if peer == "node" else []
    return {
        "peer": peer,
        "load": load(runs, profile),
        "in/s": f"{sum(run.counters.sent for run in runs) / seconds:.0f}",
        "out/s": f"{sum(run.counters.received for run in runs) / seconds:.0f}",
        "CPU µs per packet in": f"{median(run.us_per_packet for run in runs):.1f}",
        "each": " ".join(f"{run.us_per_packet:.1f}" for run in runs),
        "rooms per core": f"{median(run.rooms_per_core for run in runs):.1f}",
        "lost": f"{sum(run.lost for run in runs)}",
        "p50/p99 µs": f"{p50:.0f}/{p99:.0f}",
        "times cheaper than": "; ".join(f"{other}: {_ratio(runs, results[other])}" for other in others) or "–",
    }


def _ratio(ours: Sequence[Measurement], theirs: Sequence[Measurement]) -> str:
    each = ratios(ours, theirs)
    return f"{median(each):.2f} ({min(each):.2f}–{max(each):.2f})"


def join_rows(results: Results) -> list[dict[str, str]]:
    """CPU time of the server while its rooms were filled."""
    rows = []
    for peer, runs in results.items():
        costs = [run.fill_cpu_s * 1000 / run.plan.members for run in runs]
        rows.append(
            {
                "peer": peer,
                "members": f"{runs[0].plan.members} in rooms of {runs[0].plan.size}",
                "transports": str(runs[0].transports),
                "CPU ms per member": f"{median(costs):.1f}",
                "each": " ".join(f"{cost:.1f}" for cost in costs),
            }
        )
    return rows


def capture_row(plain: Sequence[Measurement], recorded: Sequence[Measurement], profile: str) -> dict[str, str]:
    """What recording every room adds to the node."""
    rooms = plain[0].plan.rooms
    added = [(with_it.core - without.core) / rooms for without, with_it in zip(plain, recorded, strict=True)]
    return {
        "load": load(plain, profile),
        "core, not recording": " ".join(f"{run.core:.3f}" for run in plain),
        "core, recording": " ".join(f"{run.core:.3f}" for run in recorded),
        "added core per room": f"{median(added):.4f} ({min(added):.4f}–{max(added):.4f})",
        "lost": f"{sum(run.lost for run in plain)}/{sum(run.lost for run in recorded)}",
    }


def first_frame_row(join_ms: Sequence[float], connect_ms: Sequence[float]) -> dict[str, str]:
    """From pressing the button to the first picture of somebody else, in ms."""
    return {
        "joins": str(len(join_ms)),
        "first frame, median ms": f"{median(join_ms):.0f}",
        "each": " ".join(f"{each:.0f}" for each in join_ms),
        "connected, median ms": f"{median(connect_ms):.0f}",
    }


def load(runs: Sequence[Measurement], profile: str) -> str:
    """The load in words: rooms × members, SRTP profile, repetitions × seconds."""
    plan = runs[0].plan
    return f"{plan.rooms}×{plan.size}, {profile}, {len(runs)}×{runs[0].seconds:.0f} s"
