"""Data packets between clients: who they are really from, and whom they are for. Pure.

A client cannot speak as another: identity and sid are written here, whatever the packet said. Text and byte streams and
remote calls are data packets too, so they need nothing more.
"""

from __future__ import annotations

from dataclasses import dataclass

from livekit.protocol import models

from signaling.errors import MessageError
from signaling.messages import read_binary

RELIABLE = "_reliable"
LOSSY = "_lossy"

# What only a server says (who speaks), and what nobody here reads (metrics).
_NOT_FROM_CLIENTS = frozenset({"speaker", "metrics"})


@dataclass(frozen=True)
class Parcel:
    """A packet ready for the data channel `label`. Empty `identities` and `sids`: for everybody but the sender."""

    label: str
    payload: bytes
    identities: frozenset[str]
    sids: frozenset[str]

    def is_for(self, identity: str, sid: str) -> bool:
        everybody = not self.identities and not self.sids
        return everybody or identity in self.identities or sid in self.sids


def from_client(label: str, payload: bytes, *, identity: str, sid: str, limit: int) -> Parcel:
    """A client's packet with the sender's true name. MessageError if malformed, too large or not a client's to send."""
    if label not in (RELIABLE, LOSSY):
        raise MessageError("data-channel-unknown")
    if len(payload) > limit:
        raise MessageError("data-too-large")
    packet = models.DataPacket()
    read_binary(payload, packet)
    kind = packet.WhichOneof("value")
    if kind is None or kind in _NOT_FROM_CLIENTS:
        raise MessageError("data-not-allowed")
    packet.participant_identity, packet.participant_sid = identity, sid
    if kind == "user":
        packet.user.participant_identity, packet.user.participant_sid = identity, sid
    if kind == "transcription":
        packet.transcription.transcribed_participant_identity = identity
    packet.kind = models.DataPacket.RELIABLE if label == RELIABLE else models.DataPacket.LOSSY
    identities = frozenset(packet.destination_identities) | frozenset(packet.user.destination_identities)
    return Parcel(label, packet.SerializeToString(), identities, frozenset(packet.user.destination_sids))


def from_server(
    data: bytes, *, reliable: bool, topic: str | None, identities: frozenset[str], sids: frozenset[str]
) -> Parcel:
    """A packet of the RoomService's SendData: it has no sender."""
    user = models.UserPacket(payload=data, destination_identities=sorted(identities), destination_sids=sorted(sids))
    if topic is not None:
        user.topic = topic
    kind = models.DataPacket.RELIABLE if reliable else models.DataPacket.LOSSY
    packet = models.DataPacket(kind=kind, user=user, destination_identities=sorted(identities))
    return Parcel(RELIABLE if reliable else LOSSY, packet.SerializeToString(), identities, sids)
