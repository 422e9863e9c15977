"""HTTPS on the local network without an outside authority: an own small CA, kept in the data folder, and a QR for phones.

Browsers give cameras only to secure pages. The phone opens the certificate's address once (plain HTTP) and trusts it, or
taps through its warning; both work for a trial in the same room. For real use an operator sets a proper certificate.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import segno
import trustme
from cryptography import x509
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

# Apple refuses certificates that live longer than 398 days.
LEAF_DAYS = 390
RENEW_BEFORE = timedelta(days=30)


@dataclass(frozen=True)
class LanCertificate:
    """Files of the LAN's HTTPS: the CA phones may trust, and this host's certificate chain and key."""

    authority: Path
    certificate: Path
    key: Path


def host_address() -> str:
    """The address of this host that others on the network reach (no packet is sent). OSError when there is no network."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))  # TEST-NET-1 (RFC 5737): only the route is looked up
        return str(probe.getsockname()[0])


def certificate_for(address: str, folder: Path, now: datetime) -> LanCertificate:
    """The certificate for `address` (IP or name), made or renewed if needed. Private keys get mode 0600."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    files = LanCertificate(folder / "ca.crt", folder / "server.crt", folder / "server.key")
    authority = _authority(folder)
    if not _still_good(files.certificate, address, now):
        leaf = authority.issue_cert(address, "127.0.0.1", "localhost", not_after=now + timedelta(days=LEAF_DAYS))
        _write_private(files.key, leaf.private_key_pem.bytes())
        files.certificate.write_bytes(b"".join(part.bytes() for part in leaf.cert_chain_pems))
    return files


def qr_for_terminal(address: str) -> str:
    """A QR code of `address` in block characters, for a dark or a light terminal."""
    lines: list[str] = []
    matrix = [list(row) for row in segno.make(address, error="l").matrix_iter(border=2)]
    matrix += [[0] * len(matrix[0])] * (len(matrix) % 2)
    for upper, lower in zip(matrix[::2], matrix[1::2], strict=True):
        lines.append("".join(" ▄▀█"[(not a) * 2 + (not b)] for a, b in zip(upper, lower, strict=True)))
    return "\n".join(lines)


def plain_http(authority: Path, secure_address: str) -> Starlette:
    """The plain-HTTP side of the LAN: hands out the CA's certificate, and sends everybody else to HTTPS."""

    async def give_authority(_: Request) -> Response:
        return Response(authority.read_bytes(), media_type="application/x-x509-ca-cert")

    async def to_https(request: Request) -> Response:
        return RedirectResponse(secure_address + request.url.path)

    return Starlette(routes=[Route("/ca.crt", give_authority), Route("/{path:path}", to_https)])


def _authority(folder: Path) -> trustme.CA:
    certificate, key = folder / "ca.crt", folder / "ca.key"
    if certificate.exists() and key.exists():
        return trustme.CA.from_pem(certificate.read_bytes(), key.read_bytes())
    authority = trustme.CA(organization_name="Shuoshi", organization_unit_name="local network")
    _write_private(key, authority.private_key_pem.bytes())
    certificate.write_bytes(authority.cert_pem.bytes())
    return authority


def _still_good(path: Path, address: str, now: datetime) -> bool:
    if not path.exists():
        return False
    certificate = x509.load_pem_x509_certificate(path.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    try:
        known = ipaddress.ip_address(address) in names.get_values_for_type(x509.IPAddress)
    except ValueError:
        known = address in names.get_values_for_type(x509.DNSName)
    return known and certificate.not_valid_after_utc.astimezone(UTC) - now > RENEW_BEFORE


def _write_private(path: Path, content: bytes) -> None:
    path.unlink(missing_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
