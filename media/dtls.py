"""DTLS for one transport: aiortc's handshake and record layer, without its RTP half (RFC 5764, RFC 8842 passive end)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiortc.rtcdtlstransport import (
    SRTP_AEAD_AES_128_GCM,
    SRTP_AEAD_AES_256_GCM,
    SRTP_AES128_CM_SHA1_80,
    SRTP_PROFILES,
    RTCCertificate,
    RTCDtlsFingerprint,
    RTCDtlsParameters,
    RTCDtlsTransport,
    State,
)

from media.ports import Fingerprint
from media.srtp import SrtpKeys

INBOUND_DATAGRAMS: Final = 128
"""DTLS records waiting per transport; when full the newest is dropped, as a network would: handshake and SCTP repeat."""

_PROFILES: Final = [
    profile for profile in (SRTP_AEAD_AES_128_GCM, SRTP_AEAD_AES_256_GCM, SRTP_AES128_CM_SHA1_80) if profile in SRTP_PROFILES
]


def new_certificate() -> RTCCertificate:
    """A fresh self-signed P-256 certificate, valid for 30 days from now on: made at each start of a node."""
    return RTCCertificate.generateCertificate()


def fingerprint_of(certificate: RTCCertificate) -> Fingerprint:
    """The SHA-256 fingerprint for SDP."""
    found = next(known for known in certificate.getFingerprints() if known.algorithm == "sha-256")
    return Fingerprint(found.algorithm, found.value)


class DatagramChannel:
    """What aiortc takes for its ICE transport: DTLS records in by `push`, out by the given function."""

    role = "controlled"

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send_datagram = send
        self._inbound: asyncio.Queue[bytes | None] = asyncio.Queue(INBOUND_DATAGRAMS)
        self._closed = False

    def push(self, datagram: bytes) -> None:
        """Hand in one datagram; dropped when the queue is full or the channel closed."""
        if not self._closed and not self._inbound.full():
            self._inbound.put_nowait(datagram)

    def close(self) -> None:
        """End the reader with ConnectionError. Idempotent."""
        if not self._closed:
            self._closed = True
            if self._inbound.full():
                self._inbound.get_nowait()
            self._inbound.put_nowait(None)

    async def _recv(self) -> bytes:
        datagram = await self._inbound.get() if not self._closed or not self._inbound.empty() else None
        if datagram is None:
            raise ConnectionError("the transport was closed")
        return datagram

    async def _send(self, datagram: bytes) -> None:
        if not self._closed:
            self._send_datagram(datagram)


class DtlsAssociation(RTCDtlsTransport):
    """The passive end of one DTLS association. `keys` are there once `start` has returned with state "connected"."""

    def __init__(self, channel: DatagramChannel, certificate: RTCCertificate) -> None:
        super().__init__(channel, [certificate])  # type: ignore[arg-type]  # a DatagramChannel is all it uses of ICE
        self.keys: SrtpKeys | None = None
        self._srtp_profiles = _PROFILES
        self._set_role("server")

    async def handshake(self, remote: Fingerprint) -> bool:
        """Shake hands and compare the peer's certificate with `remote`; False when either fails."""
        await self.start(RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(remote.algorithm, remote.value)]))
        return self._state == State.CONNECTED and self.keys is not None

    async def ended(self) -> None:
        """Wait until the peer closed the association or it was stopped. Errors of the data receiver propagate."""
        pump: asyncio.Future[Any] | None = self._task
        if pump is not None:
            await pump

    def _setup_srtp(self) -> None:
        connection = self._ssl
        name = connection.get_selected_srtp_profile() if connection is not None else b""
        profile = next((known for known in self._srtp_profiles if known.openssl_profile == name), None)
        if connection is None or profile is None:
            self._set_state(State.FAILED)
            return
        material = connection.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (profile.key_length + profile.salt_length))
        self.keys = SrtpKeys(
            profile.libsrtp_profile, profile.get_key_and_salt(material, 0), profile.get_key_and_salt(material, 1)
        )

    async def _send_data(self, data: bytes) -> None:
        # SCTP's timers may fire while the association goes down: what cannot be sent any more is dropped.
        if self._state == State.CONNECTED:
            await super()._send_data(data)
