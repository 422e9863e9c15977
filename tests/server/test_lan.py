"""HTTPS on the local network."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509

from server import lan

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_the_certificate_names_the_address_and_the_loopback_and_phones_accept_its_length(tmp_path: Path) -> None:
    files = lan.certificate_for("10.1.2.3", tmp_path, NOW)
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert {str(ip) for ip in names.get_values_for_type(x509.IPAddress)} == {"10.1.2.3", "127.0.0.1"}
    assert certificate.not_valid_after_utc - NOW <= timedelta(days=397)


def test_private_keys_are_readable_by_their_owner_alone(tmp_path: Path) -> None:
    files = lan.certificate_for("10.1.2.3", tmp_path, NOW)
    assert {oct(path.stat().st_mode & 0o777) for path in (files.key, tmp_path / "ca.key")} == {"0o600"}


def test_a_second_start_keeps_the_certificate_and_another_address_gets_a_new_one_of_the_same_authority(
    tmp_path: Path,
) -> None:
    first = lan.certificate_for("10.1.2.3", tmp_path, NOW).certificate.read_bytes()
    authority = (tmp_path / "ca.crt").read_bytes()
    assert lan.certificate_for("10.1.2.3", tmp_path, NOW).certificate.read_bytes() == first
    assert lan.certificate_for("10.1.2.4", tmp_path, NOW).certificate.read_bytes() != first
    assert (tmp_path / "ca.crt").read_bytes() == authority


def test_an_ending_certificate_is_renewed(tmp_path: Path) -> None:
    first = lan.certificate_for("10.1.2.3", tmp_path, NOW).certificate.read_bytes()
    assert lan.certificate_for("10.1.2.3", tmp_path, NOW + timedelta(days=370)).certificate.read_bytes() != first


def test_a_client_that_trusts_the_authority_accepts_the_chain(tmp_path: Path) -> None:
    files = lan.certificate_for("127.0.0.1", tmp_path, datetime.now(UTC))
    server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    server.load_cert_chain(files.certificate, files.key)
    client = ssl.create_default_context(cafile=str(files.authority))
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname="127.0.0.1")
    done: set[str] = set()
    for _ in range(10):
        for name, side in (("client", theirs), ("server", ours)):
            if name in done:
                continue
            try:
                side.do_handshake()
                done.add(name)
            except ssl.SSLWantReadError:
                pass
    assert done == {"client", "server"}


def test_the_qr_is_square_enough_to_scan() -> None:
    lines = lan.qr_for_terminal("https://10.1.2.3:8000/").splitlines()
    assert len({len(line) for line in lines}) == 1
    assert abs(len(lines) * 2 - len(lines[0])) <= 1
