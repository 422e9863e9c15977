"""Packets sent again on a subscriber's NACK: as RTX (RFC 4588), or as the very datagram that was sent before.

Never does a changed packet leave under a used sequence number: RTX numbers only grow, and without RTX the encrypted
datagram is repeated byte for byte.
"""

from __future__ import annotations

from collections.abc import Callable

from media.flow import Counters, Peer, Route
from media.rtp import HEADER, HEADER_BYTES, payload_end, payload_start
from media.srtp import WorkBuffer, protect


class Retransmitter:
    """Uses the plane's outbound buffer; `send` sends so many bytes of it to a peer."""

    def __init__(self, outbound: WorkBuffer, counters: Counters, send: Callable[[Peer, int], None]) -> None:
        self._outbound = outbound
        self._counters = counters
        self._send = send

    def resend(self, route: Route, sequences: tuple[int, ...], now_ns: int) -> int:
        """Repeat what is still kept of these 16-bit outgoing numbers, within the route's allowance; returns how many."""
        newest = route.last_sequence if route.stream is None else route.stream.newest + route.sequence_offset
        resent = 0
        for sequence in sequences:
            if not route.may_resend(now_ns):
                break
            resent += self._repeat(route, newest - ((newest - sequence) & 0xFFFF))
        route.resent += resent
        return resent

    def _repeat(self, route: Route, outgoing: int) -> bool:
        if route.spec.rtx_ssrc is None:
            return self._repeat_datagram(route, outgoing)
        number = outgoing - route.sequence_offset
        packet = route.stream.ring.get(number) if route.stream is not None and number >= route.start else None
        return packet is not None and self._send_rtx(route, packet, outgoing)

    def _repeat_datagram(self, route: Route, outgoing: int) -> bool:
        datagram = route.sent.get(outgoing)
        if datagram is None:
            return False
        self._outbound.data[: len(datagram)] = datagram
        self._send(route.peer, len(datagram))
        return True

    def _send_rtx(self, route: Route, packet: bytes, outgoing: int) -> bool:
        rtx_type, sending, outbound = route.spec.codec.rtx_payload_type, route.peer.sending, self._outbound
        if rtx_type is None or sending is None:
            return False
        _, second, _, timestamp, _ = HEADER.unpack_from(packet)
        start = payload_start(packet, len(packet))
        payload = packet[start : payload_end(packet, len(packet), start)]
        route.rtx_sequence += 1
        route.packet.pack_into(
            outbound.data, 0, 0x90 if route.block else 0x80, second & 0x80 | rtx_type, route.rtx_sequence & 0xFFFF,
            (timestamp + route.timestamp_offset) & 0xFFFFFFFF, route.spec.rtx_ssrc, route.block,
        )  # fmt: skip
        head = HEADER_BYTES + len(route.block)
        end = head + 2 + len(payload)
        outbound.data[head:end] = (outgoing & 0xFFFF).to_bytes(2, "big") + payload
        outbound.length[0] = end
        if protect(sending.handle, outbound.address, outbound.length):
            self._counters.unprotected += 1
            return False
        self._send(route.peer, outbound.length[0])
        return True
