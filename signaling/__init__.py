"""LiveKit's wire protocol on Starlette: tokens, messages, live rooms, negotiation, RoomService, webhooks."""
