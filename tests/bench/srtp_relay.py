"""The smallest server the load generator can talk to: decrypts with libsrtp and sends each packet to everybody else."""

from __future__ import annotations

import secrets
import socket
import threading
from collections.abc import Callable

from pylibsrtp import Error, Policy, Session

from bench.load.pump import Pump, SrtpKeys, Stream

Spoil = Callable[[bytes], bytes]
LIBSRTP_PROFILES = {7: Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 1: Policy.SRTP_PROFILE_AES128_CM_SHA1_80}
SALT_BYTES = {7: 12, 1: 14}


class Relay:
    """`spoil` may change each decrypted packet before it is sent on. `close` ends the thread and all sockets."""

    def __init__(self, pump: Pump, rooms: list[int], profile: int, spoil: Spoil = lambda packet: packet) -> None:
        self.reports = 0
        self._spoil = spoil
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._clients: list[socket.socket] = []
        self._peers: dict[tuple[str, int], tuple[Session, Session]] = {}
        for member, room in enumerate(rooms):
            self._add(pump, room, member, profile)
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _add(self, pump: Pump, room: int, member: int, profile: int) -> None:
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.connect(self._socket.getsockname())
        client.setblocking(False)
        self._clients.append(client)
        up, down = (secrets.token_bytes(16 + SALT_BYTES[profile]) for _ in range(2))
        self._peers[client.getsockname()] = (
            _session(up, Policy.SSRC_ANY_INBOUND, profile),
            _session(down, Policy.SSRC_ANY_OUTBOUND, profile),
        )
        audio, video = Stream(100 + member, 111, "0", 1, 0, 3), Stream(200 + member, 96, "1", 1, 2, 0)
        pump.add(client.fileno(), SrtpKeys(profile, up, down), room=room, member=member, audio=audio, video=video)

    def _run(self) -> None:
        while True:
            datagram, source = self._socket.recvfrom(2048)
            if not datagram:
                return
            receiving, _ = self._peers[source]
            if 192 <= datagram[1] <= 223:
                receiving.unprotect_rtcp(datagram)  # raises when the report is not authentic
                self.reports += 1
                continue
            packet = self._spoil(receiving.unprotect(datagram))
            for address, (_, sending) in self._peers.items():
                if address != source:
                    try:
                        self._socket.sendto(sending.protect(packet), address)
                    except Error:
                        continue  # two members of the same SSRC: not in these tests

    def close(self) -> None:
        self._clients[0].setblocking(True)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", self._socket.getsockname())
        self._thread.join()
        for each in (self._socket, *self._clients):
            each.close()


def _session(key: bytes, direction: int, profile: int) -> Session:
    return Session(Policy(key=key, ssrc_type=direction, srtp_profile=LIBSRTP_PROFILES[profile]))
