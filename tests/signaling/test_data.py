"""Data packets: the sender is who it is, whatever it claims."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from livekit.protocol import models

from signaling.data import LOSSY, RELIABLE, Parcel, from_client, from_server
from signaling.errors import MessageError


def sent(packet: models.DataPacket, label: str = RELIABLE) -> tuple[Parcel, models.DataPacket]:
    parcel = from_client(label, packet.SerializeToString(), identity="me", sid="PA_me", limit=1000)
    return parcel, models.DataPacket.FromString(parcel.payload)


def test_nobody_speaks_as_another() -> None:
    user = models.UserPacket(payload=b"x", participant_identity="you", participant_sid="PA_you")
    _, packet = sent(models.DataPacket(user=user, participant_identity="you", participant_sid="PA_you"))
    assert (packet.participant_identity, packet.participant_sid) == ("me", "PA_me")
    assert (packet.user.participant_identity, packet.user.participant_sid) == ("me", "PA_me")
    words = models.Transcription(transcribed_participant_identity="you")
    assert sent(models.DataPacket(transcription=words))[1].transcription.transcribed_participant_identity == "me"


def test_the_channel_decides_the_kind() -> None:
    user = models.UserPacket(payload=b"x")
    assert sent(models.DataPacket(user=user, kind=models.DataPacket.RELIABLE), LOSSY)[1].kind == models.DataPacket.LOSSY


@pytest.mark.parametrize(
    "packet",
    [
        models.DataPacket(speaker=models.ActiveSpeakerUpdate()),
        models.DataPacket(participant_identity="you"),
        models.DataPacket(user=models.UserPacket(payload=b"x" * 1001)),
    ],
)
def test_what_a_client_may_not_send(packet: models.DataPacket) -> None:
    with pytest.raises(MessageError):
        sent(packet)


def test_other_channels_are_not_forwarded() -> None:
    with pytest.raises(MessageError, match="data-channel-unknown"):
        sent(models.DataPacket(user=models.UserPacket(payload=b"x")), "_data_track")


@pytest.mark.parametrize(
    ("packet", "expected"),
    [
        (models.DataPacket(user=models.UserPacket()), {"a", "b"}),
        (models.DataPacket(user=models.UserPacket(), destination_identities=["a"]), {"a"}),
        (models.DataPacket(user=models.UserPacket(destination_identities=["b"])), {"b"}),
        (models.DataPacket(user=models.UserPacket(destination_sids=["PA_b"])), {"b"}),
        (models.DataPacket(rpc_ack=models.RpcAck(request_id="1"), destination_identities=["x"]), set()),
    ],
)
def test_addressees(packet: models.DataPacket, expected: set[str]) -> None:
    parcel, _ = sent(packet)
    assert {name for name in ("a", "b") if parcel.is_for(name, f"PA_{name}")} == expected


def test_the_servers_packets_have_no_sender() -> None:
    parcel = from_server(b"x", reliable=False, topic="t", identities=frozenset({"a"}), sids=frozenset())
    packet = models.DataPacket.FromString(parcel.payload)
    assert (parcel.label, packet.user.payload, packet.user.topic, packet.participant_sid) == (LOSSY, b"x", "t", "")


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_noise_is_refused_or_stamped(noise: bytes) -> None:
    try:
        parcel = from_client(RELIABLE, noise, identity="me", sid="PA_me", limit=1000)
    except MessageError:
        return
    assert models.DataPacket.FromString(parcel.payload).participant_identity == "me"
