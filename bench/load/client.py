"""One client transport: ICE as the controlling full agent with a single host candidate, DTLS as the client.

The control part is blocking and runs once per transport; afterwards the socket belongs to the pump, which hands STUN and
DTLS datagrams back to `control`.
"""

from __future__ import annotations

import contextlib
import random
import secrets
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aioice import stun
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL

from bench.load.errors import ConnectError
from bench.load.pump import SrtpKeys

_CONNECT_S = 8.0
_RETRY_S = 0.05
_RECEIVE_BUFFER_BYTES = 1 << 20
_DATAGRAM_BYTES = 2048
_HOST_PRIORITY = 2130706431


@dataclass(frozen=True)
class Profile:
    """An SRTP protection profile: OpenSSL's name, its number and the salt's length (the key has 16 bytes)."""

    openssl_name: bytes
    number: int
    salt_bytes: int


PROFILES = {
    "gcm128": Profile(b"SRTP_AEAD_AES_128_GCM", 7, 12),
    "cm": Profile(b"SRTP_AES128_CM_SHA1_80", 1, 14),
}


@dataclass(frozen=True)
class Remote:
    """Where and how to reach the server's end, as its SDP says. `fingerprint` is SHA-256 in colon-separated hex."""

    address: str
    port: int
    ufrag: str
    password: str
    fingerprint: str


class Identity:
    """The certificate all clients of one run share."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "load")])
        now = datetime.now(tz=UTC)
        self._certificate = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self._key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .sign(self._key, hashes.SHA256())
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 in colon-separated upper-case hex (RFC 8122)."""
        return self._certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    def context(self, profile: Profile) -> SSL.Context:
        """A DTLS context that offers just this SRTP profile. Certificates are judged by fingerprint, after the handshake."""
        context = SSL.Context(SSL.DTLS_METHOD)
        context.set_verify(SSL.VERIFY_PEER, lambda *_: True)
        context.use_certificate(self._certificate)
        context.use_privatekey(self._key)
        context.set_cipher_list(b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256")
        context.set_tlsext_use_srtp(profile.openssl_name)
        return context


class Client:
    """One transport of one client. `close` closes the socket; it is idempotent."""

    def __init__(self, address: str, profile: Profile, identity: Identity) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
        self.socket.bind((address, 0))
        self.address, self.port = self.socket.getsockname()
        self.ufrag, self.password = secrets.token_hex(4), secrets.token_hex(12)
        self._profile, self._identity = profile, identity
        self._remote: Remote | None = None
        self._dtls: SSL.Connection | None = None
        self._flight: list[bytes] = []
        self._tie_breaker = random.getrandbits(64)

    def connect(self, remote: Remote) -> SrtpKeys:
        """ICE, then DTLS.

        Raises:
            ConnectError: not within 8 s, wrong certificate, or another SRTP profile.
        """
        self._remote = remote
        self.socket.connect((remote.address, remote.port))
        deadline = time.monotonic() + _CONNECT_S
        self._check_connectivity(deadline)
        dtls = self._handshake(deadline)
        self._judge(dtls, remote)
        self.socket.setblocking(False)
        key, salt = 16, self._profile.salt_bytes
        material = dtls.export_keying_material(b"EXTRACTOR-dtls_srtp", 2 * (key + salt))
        keys, salts = material[: 2 * key], material[2 * key :]
        return SrtpKeys(self._profile.number, keys[:key] + salts[:salt], keys[key:] + salts[salt:])

    def refresh(self) -> None:
        """Consent freshness (RFC 7675): to be called every few seconds."""
        self._send(self._binding_request())

    def control(self, datagram: bytes) -> bool:
        """One STUN or DTLS datagram of the server. True when it was a success response to a check of ours."""
        if datagram[:1] < b"\x04":
            return self._stun(datagram)
        if self._dtls is not None and b"\x13" < datagram[:1] < b"\x40":
            self._dtls.bio_write(datagram)
            with contextlib.suppress(SSL.Error):  # nothing for the application: repeated handshake messages, alerts
                self._dtls.recv(_DATAGRAM_BYTES)
            self._flush()
        return False

    def close(self) -> None:
        """Close the socket."""
        self.socket.close()

    def _check_connectivity(self, deadline: float) -> None:
        while time.monotonic() < deadline:
            self.refresh()
            datagram = self._receive()
            if datagram is not None and self.control(datagram):
                return
        raise ConnectError(f"no answer to connectivity checks from port {self._remote and self._remote.port}")

    def _handshake(self, deadline: float) -> SSL.Connection:
        dtls = SSL.Connection(self._identity.context(self._profile), None)
        dtls.set_connect_state()
        self._dtls = dtls
        while True:
            try:
                dtls.do_handshake()
                self._flush()
                return dtls
            except SSL.WantReadError:
                self._flush()
            except SSL.Error as error:
                raise ConnectError(f"DTLS: {error!r}") from error
            if time.monotonic() > deadline:
                raise ConnectError("the DTLS handshake did not finish in time")
            self._read_into(dtls)

    def _read_into(self, dtls: SSL.Connection) -> None:
        datagram = self._receive()
        if datagram is None:  # lost or ignored: check and flight once more
            self.refresh()
            for part in self._flight:
                self._send(part)
        elif datagram[:1] < b"\x04":
            self._stun(datagram)
        elif datagram[:1] < b"\x40":
            dtls.bio_write(datagram)

    def _judge(self, dtls: SSL.Connection, remote: Remote) -> None:
        certificate = dtls.get_peer_certificate()
        shown = certificate.digest("sha256").decode() if certificate else "none"
        if shown.upper() != remote.fingerprint.upper():
            raise ConnectError(f"the server's certificate is {shown}, its SDP said {remote.fingerprint}")
        if dtls.get_selected_srtp_profile() != self._profile.openssl_name:
            raise ConnectError(f"the server did not take the SRTP profile {self._profile.openssl_name.decode()}")

    def _receive(self) -> bytes | None:
        self.socket.settimeout(_RETRY_S)
        try:
            return self.socket.recv(_DATAGRAM_BYTES)
        except (TimeoutError, ConnectionRefusedError):
            return None

    def _send(self, datagram: bytes) -> None:
        with contextlib.suppress(ConnectionRefusedError, BlockingIOError):  # all of this is repeated
            self.socket.send(datagram)

    def _flush(self) -> None:
        flight: list[bytes] = []
        assert self._dtls is not None
        while True:
            try:
                flight.append(self._dtls.bio_read(1500))
            except SSL.Error:
                break
            self._send(flight[-1])
        self._flight = flight or self._flight

    def _binding_request(self) -> bytes:
        assert self._remote is not None
        request = stun.Message(message_method=stun.Method.BINDING, message_class=stun.Class.REQUEST)
        request.attributes["USERNAME"] = f"{self._remote.ufrag}:{self.ufrag}"
        request.attributes["PRIORITY"] = _HOST_PRIORITY
        request.attributes["ICE-CONTROLLING"] = self._tie_breaker
        request.attributes["USE-CANDIDATE"] = None
        request.add_message_integrity(self._remote.password.encode())
        return bytes(request)

    def _stun(self, datagram: bytes) -> bool:
        try:
            message = stun.parse_message(datagram)
        except ValueError:
            return False
        if message.message_class == stun.Class.REQUEST and self._remote is not None:
            response = stun.Message(
                message_method=stun.Method.BINDING,
                message_class=stun.Class.RESPONSE,
                transaction_id=message.transaction_id,
            )
            response.attributes["XOR-MAPPED-ADDRESS"] = (self._remote.address, self._remote.port)
            response.add_message_integrity(self.password.encode())
            self._send(bytes(response))
        return message.message_class == stun.Class.RESPONSE
