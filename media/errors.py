"""What the media package raises.

MediaError
 ├─ AddressInUseError      the UDP or TCP port could not be bound     ("media.address-in-use")
 ├─ TransportClosedError   a call on a transport that has ended       ("media.transport-closed")
 ├─ PeerLimitError         a peer wants more than it may              ("media.peer-limit")
 └─ MalformedPacketError   bytes from the network break their format  ("media.malformed-packet")

Wrong arguments raise ValueError, as `media.ports` says. The last two never leave the package: who sent
such bytes is ignored, or loses its own transport.
"""


class MediaError(Exception):
    """Base of all errors of the media package; `code` is stable."""

    code = "media.error"


class AddressInUseError(MediaError):
    """The endpoint could not bind its UDP or TCP port."""

    code = "media.address-in-use"


class TransportClosedError(MediaError):
    """The transport has ended, nothing can be added to it."""

    code = "media.transport-closed"


class MalformedPacketError(MediaError):
    """Bytes from the network that break their format."""

    code = "media.malformed-packet"


class PeerLimitError(MediaError):
    """A peer opened too many channels or left too much unassembled: its association is given up."""

    code = "media.peer-limit"
