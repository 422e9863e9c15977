"""Packets: ICE-lite, DTLS, SRTP, RTP and RTCP, the forwarding plane. What others may use is in `media.ports`."""
