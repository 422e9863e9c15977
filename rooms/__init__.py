"""Live meetings: sittings, seats, attendees, lobby, consent. It decides; it holds no SDP and no packet."""
