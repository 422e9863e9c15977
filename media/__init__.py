"""Packets: ICE-lite, DTLS, SRTP, RTP and RTCP, the forwarding plane. `media.endpoint.open_endpoint` gives a `media.ports.MediaEndpoint`."""
