"""Verdicts about runs, rows of figures, and their agreement with the document that keeps them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bench import reports, rows
from bench.command import run
from bench.load import sdp
from bench.load.client import PROFILES, Client, Identity
from bench.load.crowd import CrowdPlan
from bench.load.errors import SignallingError
from bench.load.pump import Counters
from bench.packets import Measurement, judge
from bench.processes import BenchError, RunVoidError

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def measurement(peer: str, cpu_s: float) -> Measurement:
    """A good run: 2 rooms of 3, 1080 packets in, 2160 out, each 70 µs late."""
    counters = Counters(1080, 0, 2160, 0, 0, 0, 0, 0, 6, 12, 0, 0, 24, 0, 0, (0,) * 70 + (2160,))
    plan = CrowdPlan(2, 3, "127.0.0.1", PROFILES["gcm128"])
    return Measurement(peer, plan, 1.0, cpu_s, 0.06, 6, 0.1, counters)


RESULTS = {
    "janus": [measurement("janus", 0.108), measurement("janus", 0.216)],
    "node": [measurement("node", 0.054), measurement("node", 0.054)],
}


def test_the_figures_of_a_run() -> None:
    run = measurement("node", 0.054)
    assert run.us_per_packet == pytest.approx(50)
    assert run.rooms_per_core == pytest.approx(37.04, abs=0.01)
    assert run.lost == 0
    assert run.counters.latency_percentile_us(0.99) == 70


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"unauthentic": 1}, "do not decrypt"),
        ({"corrupt": 1}, "other content"),
        ({"foreign": 1}, "another room"),
        ({"streams_heard": 23}, "23 of 24 streams"),
        ({"received": 2100}, "lost 2.8%"),
        ({"sent_late": 55}, "55 of 1080"),
    ],
)
def test_a_run_that_did_not_do_its_work_is_void(change: dict[str, int], words: str) -> None:
    good = measurement("node", 0.05)
    judge(good, 0.05)
    with pytest.raises(RunVoidError, match=words):
        judge(replace(good, counters=replace(good.counters, **change)), 0.05)  # type: ignore[arg-type]


def test_our_node_is_compared_repetition_by_repetition() -> None:
    janus, node = reports.packet_rows(RESULTS, "gcm128")
    assert node["times cheaper than"] == "janus: 3.00 (2.00–4.00)"
    assert node["each"] == "50.0 50.0"
    assert janus["times cheaper than"] == "–"


def test_capture_costs_the_difference_per_room() -> None:
    row = reports.capture_row(RESULTS["node"], RESULTS["janus"], "gcm128")
    assert row["added core per room"] == "0.0540 (0.0270–0.0810)"


def every_table() -> dict[str, dict[str, str]]:
    return {
        "Packet path": reports.packet_rows(RESULTS, "gcm128")[0],
        "Joining": reports.join_rows(RESULTS)[0],
        "Capture": reports.capture_row(RESULTS["node"], RESULTS["janus"], "gcm128"),
        "First remote frame": reports.first_frame_row([300.0], [200.0]),
    }


@pytest.mark.parametrize("title", every_table())
def test_rows_are_added_below_their_heading(tmp_path: Path, title: str) -> None:
    document = tmp_path / "benchmarks.md"
    before = rows.DOCUMENT.read_text(encoding="utf-8")
    document.write_text(before, encoding="utf-8")
    rows.record(title, [every_table()[title]], NOW, document)
    after = document.read_text(encoding="utf-8")
    added = [line for line in after.splitlines() if line not in before.splitlines()]
    assert len(added) == 1
    assert added[0].startswith("| 2026-11-21 12:00 | ")
    assert after.index(f"### {title}") < after.index(added[0])
    assert after.replace(added[0] + "\n", "") == before or after.replace("\n" + added[0], "") == before


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    document = tmp_path / "benchmarks.md"
    document.write_text("### Joining\n\n| date |\n|---|\n", encoding="utf-8")
    with pytest.raises(BenchError, match="needs the header"):
        rows.record("Joining", reports.join_rows(RESULTS), NOW, document)
    with pytest.raises(BenchError, match="no heading"):
        rows.record("Elsewhere", reports.join_rows(RESULTS), NOW, document)


def test_an_offer_reads_back() -> None:
    client = Client("127.0.0.1", PROFILES["gcm128"], Identity())
    try:
        video = sdp.offered("video", "1", "sendonly", track="camera", ssrc=7, rtx_ssrc=8)
        read = sdp.read(sdp.write(client, "AB:CD", [sdp.offered("audio", "0", "recvonly"), video], setup="actpass"))
        assert (read.remote.port, read.remote.ufrag, read.remote.fingerprint) == (client.port, client.ufrag, "AB:CD")
        assert read.section("1") == replace(video, rtx_ssrc=0)
        with pytest.raises(SignallingError):
            read.section("2")
    finally:
        client.close()


def test_a_description_without_candidate_is_refused() -> None:
    with pytest.raises(SignallingError, match="candidate"):
        sdp.read("v=0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\na=ice-ufrag:x\r\n")


@pytest.mark.parametrize("arguments", [["--rooms", "200"], ["--size", "1"], ["--seconds", "0"], ["--peers", "nobody"]])
def test_wrong_arguments_are_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        run(arguments)
    assert refused.value.code == 2
