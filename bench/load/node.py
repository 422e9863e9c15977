"""Our node as a crowd meets it: LiveKit's client protocol on `/rtc/v1`, one WebSocket and one transport per member."""

from __future__ import annotations

import base64
import contextlib
import gzip
import time
import urllib.parse
from dataclasses import dataclass

import jwt
from livekit.protocol import models, rtc
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from bench.load import sdp
from bench.load.client import Client
from bench.load.crowd import CrowdPlan, Transports, audio_ssrc, video_ssrc
from bench.load.errors import SignallingError

_ANSWER_S = 15.0
_PING_EVERY_S = 5.0
_TOKEN_S = 3600
_PROTOCOL = 16


@dataclass(frozen=True)
class NodeAddress:
    """Where the node's signalling listens (`ws://host:port`) and the API key and secret it knows."""

    url: str
    api_key: str
    api_secret: str

    def token(self, room: str, identity: str) -> str:
        """An access token to join, publish and subscribe."""
        now = int(time.time())
        grants = {"roomJoin": True, "room": room, "canPublish": True, "canSubscribe": True}
        claims = {"iss": self.api_key, "sub": identity, "nbf": now - 5, "exp": now + _TOKEN_S, "video": grants}
        return jwt.encode(claims, self.api_secret, algorithm="HS256")


def room_name(room: int) -> str:
    """The media room's name."""
    return f"load-{room}"


def identity_of(member: int) -> str:
    """The member's LiveKit identity."""
    return f"member-{member}"


class _Member:
    """One client's signalling. Its offers hold first what it receives, then its microphone and camera."""

    def __init__(self, plan: CrowdPlan, number: int, room: int, client: Client, fingerprint: str) -> None:
        self.number, self.room, self.client = number, room, client
        self._wanted = plan.size - 1
        self._fingerprint = fingerprint
        self._sections: list[sdp.Section] = []
        self._offer_id = 0
        self._published: set[str] = set()
        self._open = contextlib.ExitStack()
        self._socket: ClientConnection | None = None
        self._ping_due = time.monotonic() + _PING_EVERY_S
        self.answer: sdp.Description | None = None
        for _ in range(self._wanted):
            self._add("audio", "recvonly")
            self._add("video", "recvonly")

    @property
    def subscribed(self) -> bool:
        """The latest answer sends us the microphone and camera of everybody else."""
        sending = [section for section in self.answer.sections if section.direction == "sendonly"] if self.answer else []
        return len(sending) == 2 * self._wanted

    def join(self, address: NodeAddress) -> None:
        """Connect with the first offer in the join request, as livekit-client does, and wait for its answer."""
        request = rtc.JoinRequest(
            client_info=models.ClientInfo(sdk=models.ClientInfo.JS, version="2.23.0", protocol=_PROTOCOL),
            connection_settings=rtc.ConnectionSettings(auto_subscribe=True),
            publisher_offer=self._offer(),
        )
        wrapped = rtc.WrappedJoinRequest(
            compression=rtc.WrappedJoinRequest.GZIP, join_request=gzip.compress(request.SerializeToString())
        )
        query = {
            "access_token": address.token(room_name(self.room), identity_of(self.number)),
            "join_request": base64.urlsafe_b64encode(wrapped.SerializeToString()).decode(),
        }
        try:
            url = f"{address.url}/rtc/v1?{urllib.parse.urlencode(query)}"
            self._socket = self._open.enter_context(connect(url, max_size=1 << 20, compression=None))
        except (OSError, WebSocketException) as error:
            raise SignallingError(f"the node refused to let member {self.number} join: {error}") from error
        self._until_answered()

    def publish(self) -> tuple[sdp.Section, sdp.Section]:
        """Announce and offer microphone and camera; returns their sections as answered, ready to send."""
        audio, video = models.TrackType.AUDIO, models.TrackType.VIDEO
        microphone, camera = models.TrackSource.MICROPHONE, models.TrackSource.CAMERA
        self._send(add_track=rtc.AddTrackRequest(cid="microphone", type=audio, source=microphone))
        self._send(add_track=rtc.AddTrackRequest(cid="camera", type=video, source=camera, width=640, height=360))
        deadline = time.monotonic() + _ANSWER_S
        while len(self._published) < 2:
            self._receive(deadline)
        sound = self._add("audio", "sendonly", track="microphone", ssrc=audio_ssrc(self.number))
        ssrc = video_ssrc(self.number)
        picture = self._add("video", "sendonly", track="camera", ssrc=ssrc, rtx_ssrc=ssrc + 1)
        self._send(offer=self._offer())
        self._until_answered()
        assert self.answer is not None
        return self.answer.section(sound.mid), self.answer.section(picture.mid)

    def tend(self) -> None:
        """Read whatever waits, answer what needs it, ping when due."""
        while self._receive(time.monotonic()):
            pass
        if time.monotonic() >= self._ping_due:
            self._ping_due = time.monotonic() + _PING_EVERY_S
            self._send(ping_req=rtc.Ping(timestamp=int(time.time() * 1000)))

    def close(self) -> None:
        """Leave and close the WebSocket."""
        if self._socket is not None:
            with contextlib.suppress(SignallingError):  # the node may have ended before us
                self._send(leave=rtc.LeaveRequest())
            self._open.close()
            self._socket = None

    def _add(self, kind: str, direction: str, *, track: str = "", ssrc: int = 0, rtx_ssrc: int = 0) -> sdp.Section:
        mid = str(len(self._sections))
        section = sdp.offered(kind, mid, direction, track=track, ssrc=ssrc, rtx_ssrc=rtx_ssrc)
        self._sections.append(section)
        return section

    def _offer(self) -> rtc.SessionDescription:
        self._offer_id += 1
        text = sdp.write(self.client, self._fingerprint, self._sections, setup="actpass")
        return rtc.SessionDescription(type="offer", sdp=text, id=self._offer_id)

    def _until_answered(self) -> None:
        self.answer = None
        deadline = time.monotonic() + _ANSWER_S
        while self.answer is None:
            self._receive(deadline)

    def _send(self, **message: object) -> None:
        assert self._socket is not None
        try:
            self._socket.send(rtc.SignalRequest(**message).SerializeToString())  # type: ignore[arg-type]
        except WebSocketException as error:
            raise SignallingError(f"the node closed the connection of member {self.number}: {error}") from error

    def _receive(self, deadline: float) -> bool:
        """One message, if it comes before the deadline. In the past: only what is already here."""
        assert self._socket is not None
        left = deadline - time.monotonic()
        try:
            data = self._socket.recv(timeout=max(0.0, left))
        except TimeoutError:
            if left > 0:
                raise SignallingError(f"the node did not answer member {self.number} in time") from None
            return False
        except WebSocketException as error:
            raise SignallingError(f"the node closed the connection of member {self.number}: {error}") from error
        self._handle(rtc.SignalResponse.FromString(data if isinstance(data, bytes) else data.encode()))
        return True

    def _handle(self, response: rtc.SignalResponse) -> None:
        kind = response.WhichOneof("message")
        if kind == "answer":
            if response.answer.id in (0, self._offer_id):
                self.answer = sdp.read(response.answer.sdp)
        elif kind == "track_published":
            self._published.add(response.track_published.cid)
        elif kind == "media_sections_requirement":
            for _ in range(response.media_sections_requirement.num_audios):
                self._add("audio", "recvonly")
            for _ in range(response.media_sections_requirement.num_videos):
                self._add("video", "recvonly")
            self._send(offer=self._offer())
        elif kind == "leave":
            raise SignallingError(f"the node sent member {self.number} away: {response.leave.reason}")


class NodeCrowd:
    """Clients of our node (or of any LiveKit server). `close` leaves and closes the WebSockets."""

    def __init__(self, address: NodeAddress, transports: Transports) -> None:
        self._address, self._transports = address, transports
        self._members: list[_Member] = []

    def fill(self, plan: CrowdPlan) -> None:
        """See `Crowd.fill`."""
        for room in range(plan.rooms):
            members = [self._enter(plan, room, room * plan.size + seat) for seat in range(plan.size)]
            deadline = time.monotonic() + _ANSWER_S
            while not all(member.subscribed for member in members):
                if time.monotonic() > deadline:
                    raise SignallingError(f"not everybody in room {room} was given the others' tracks in time")
                self._tend(members)
                time.sleep(0.005)
            self.tend()

    def tend(self) -> None:
        """See `Crowd.tend`."""
        self._tend(self._members)

    def close(self) -> None:
        """See `Crowd.close`."""
        for member in self._members:
            member.close()
        self._members.clear()

    def _tend(self, members: list[_Member]) -> None:
        for member in members:
            member.tend()

    def _enter(self, plan: CrowdPlan, room: int, number: int) -> _Member:
        member = _Member(plan, number, room, self._transports.client(plan), self._transports.fingerprint)
        member.join(self._address)
        self._members.append(member)
        audio, video = member.publish()
        assert member.answer is not None
        self._transports.connect(
            member.client,
            member.answer.remote,
            room=room,
            member=number,
            audio=audio.stream(audio_ssrc(number)),
            video=video.stream(video_ssrc(number)),
            rtx_payload_type=sdp.RTX_PAYLOAD_TYPE,
        )
        return member
