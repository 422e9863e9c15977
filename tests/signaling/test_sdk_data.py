"""Data, streams, remote calls and what participants say about themselves, between unmodified SDK clients."""

import asyncio

import pytest
from livekit import rtc

from tests.signaling.live_node import LiveNode, cut
from tests.signaling.sdk_client import Client, clients

pytestmark = pytest.mark.anyio


def payloads(client: Client) -> list[tuple[bytes, str]]:
    """What a client received as data: bytes and the sender's identity."""
    packets = [packet for name, packet in client.events if name == "data_received"]
    return [(packet.data, packet.participant.identity if packet.participant else "") for packet in packets]


@pytest.mark.parametrize("single", [True, False], ids=["one-connection", "two-connections"])
async def test_reliable_and_lossy_data_reach_all_others(node: LiveNode, room: str, single: bool) -> None:
    async with clients(node, room, "a", "b", "c", single=single) as (a, b, c):
        await a.me.publish_data(b"reliable", reliable=True, topic="t")
        await b.until(lambda: (b"reliable", "a") in payloads(b), "reliable data")
        await c.until(lambda: (b"reliable", "a") in payloads(c), "reliable data")
        for number in range(20):
            await a.me.publish_data(b"lossy %d" % number, reliable=False)
        await b.until(lambda: len(payloads(b)) > 10, "lossy data")
        assert payloads(a) == []


async def test_many_reliable_packets_arrive_once_and_in_order(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        for number in range(200):
            await a.me.publish_data(b"%d" % number, reliable=True)
        await b.until(lambda: len(payloads(b)) >= 200, "200 packets")
        assert [data for data, _ in payloads(b)] == [b"%d" % number for number in range(200)]


async def test_data_for_one_reaches_only_that_one(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b", "c") as (a, b, c):
        await a.me.publish_data(b"secret", destination_identities=["b"])
        await a.me.publish_data(b"open")
        await c.until(lambda: payloads(c), "the open packet")
        await b.until(lambda: len(payloads(b)) == 2, "both packets")
        assert payloads(c) == [(b"open", "a")]


async def test_text_and_byte_streams(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        texts: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
        blobs: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        tasks: set[asyncio.Task[None]] = set()

        async def read_text(reader: rtc.TextStreamReader, who: str) -> None:
            texts.put_nowait((who, await reader.read_all()))

        async def read_bytes(reader: rtc.ByteStreamReader, who: str) -> None:
            blobs.put_nowait((who, b"".join([chunk async for chunk in reader])))

        b.room.register_text_stream_handler(
            "talk", lambda reader, who: tasks.add(asyncio.create_task(read_text(reader, who)))
        )
        b.room.register_byte_stream_handler(
            "file", lambda reader, who: tasks.add(asyncio.create_task(read_bytes(reader, who)))
        )
        await a.me.send_text("调解" * 20_000, topic="talk")
        assert await asyncio.wait_for(texts.get(), 15) == ("a", "调解" * 20_000)
        writer = await a.me.stream_bytes("picture.png", topic="file")
        content = bytes(range(256)) * 400
        await writer.write(content)
        await writer.aclose()
        assert await asyncio.wait_for(blobs.get(), 15) == ("a", content)


async def test_a_remote_call_is_answered(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):

        async def greet(call: rtc.RpcInvocationData) -> str:
            return f"{call.caller_identity} said {call.payload}"

        b.me.register_rpc_method("greet", greet)
        answer = await a.me.perform_rpc(destination_identity="b", method="greet", payload="hello")
        assert answer == "a said hello"
        with pytest.raises(rtc.RpcError):
            await a.me.perform_rpc(destination_identity="b", method="unknown", payload="")


async def test_who_may_changes_its_name_metadata_and_attributes(node: LiveNode, room: str) -> None:
    a = await Client(node, room, "a", can_update_own_metadata=True, attributes={"role": "party"}).join()
    b = await Client(node, room, "b").join()
    await a.me.set_name("张三（虚构）")
    await a.me.set_metadata("m1")
    await a.me.set_attributes({"hand": "up", "role": ""})
    await b.happened("participant_name_changed", ("a", "张三（虚构）"))
    await b.happened("participant_metadata_changed", ("a", "m1"))
    seen = await b.other("a")
    await b.until(lambda: dict(seen.attributes) == {"hand": "up"}, "attributes")
    late = await Client(node, room, "late").join()
    known = await late.other("a")
    assert (known.name, known.metadata, dict(known.attributes)) == ("张三（虚构）", "m1", {"hand": "up"})
    for client in (a, b, late):
        await client.leave()


async def test_who_may_not_changes_nothing(node: LiveNode, room: str) -> None:
    a = await Client(node, room, "a", name="before").join()
    b = await Client(node, room, "b").join()
    await a.me.set_name("after")
    await a.me.set_metadata("after")
    seen = await b.other("a")
    assert (seen.name, seen.metadata) == ("before", "")
    assert "participant_name_changed" not in b.names()
    await a.leave()
    await b.leave()


async def test_data_goes_on_after_a_resume(node: LiveNode, room: str) -> None:
    async with clients(node, room, "a", "b") as (a, b):
        await a.me.publish_data(b"before")
        await b.until(lambda: payloads(b), "the first packet")
        cut(node, room, "a")
        await a.happened("reconnected")
        await a.me.publish_data(b"after")
        await b.until(lambda: (b"after", "a") in payloads(b), "a packet after the resume")
        assert [data for data, _ in payloads(b)] == [b"before", b"after"]
