"""Live meetings: sittings, seats, attendees, lobby, consent. It decides; it holds no SDP and no packet.

Every function is async and takes `db` (a transaction of the caller: `Database.writing()`, or `.reading()` where it says
reads) and `now` (aware UTC). Refusals are subclasses of `rooms.errors.RoomsError` with a stable `.code`. `by` is the acting
person's id for the audit chain. What the node must be told is written as an errand in the same transaction;
after the commit the caller does `await coordinator.settle(sitting_id)`, so that it happens at once (`Upkeep` would do it
within a second).

    sittings     open_sitting(db, case_id=, purpose=, title=, host_staff_id=, organisation_id=, now=) -> str
                 close_sitting(db, sitting_id, now, by=)   rest(db, sitting_id, by=, now=)   go_on(db, sitting_id, by=, now=)
                 reads: view(db, sitting_id) -> SittingView   of_case(db, case_id)   live(db, host_staff_id=, case_ids=)
    seats        take_staff_seat(db, sitting_id, staff_id=, role=, name=, now=) -> str   (by login; idempotent)
                 claim_tab(db, seat_id, tab=, now=)   reads: pass_of(db, seat_id) -> SeatPass
    invitations  issue(db, secrets, sitting_id, role=, name=, party_id=None, staff_id=None, by=, now=)
                     -> IssuedInvitation(seat_id, link_secret, code)
                 renew(db, secrets, seat_id, by=, now=) -> IssuedInvitation   withdraw(db, seat_id, by=, now=)
                 take(db, invitation_id, device=, now=) -> IssuedTicket(ticket, ticket_id, seat_id, sitting_id, moved)
                 reads: look_up(db, secrets, link_secret) -> InvitationView(invitation_id, seat_id, sitting_id, …)
    codes        look_up_code(database, secrets, code, address=, now=) -> InvitationView   (own transactions: a guess counts)
    digests      Secrets(key): keyed hashes of links, codes and addresses
    tickets      reads: seat_of(db, ticket, now, sitting_id=None, waiting_ok=False)
                     -> Holder(ticket_id, seat_id, sitting_id, role, moved)
    attendees    add(db, seat_id, name=, relation="", helper=False, kinship="", now=) -> str
                 rename(db, attendee_id, seat_id=, name=, relation="", now=)   go(db, attendee_id, seat_id=, now=)
                 reads: at_seat(db, seat_id) -> tuple[AttendeeView, …]
    lobby        arrive(db, ticket, tab=, now=) -> LobbyView   (a page was opened: the newest tab wins)
                 heartbeat(db, ticket, tab=, now=) -> LobbyView   (every 10 s; `tab-superseded` for an older tab)
                 leave(db, ticket, now)   reads: waiting(db, sitting_id, now) -> tuple[Waiting, …]
    admission    admit(db, seat_id, by=, now=)   admit_all(db, sitting_id, by=, now=)   send_back(db, seat_id, by=, now=)
                 hang_up(db, seat_id, now)   entry(db, seat_id, now) -> TokenGrant   (pages use `Coordinator.enter`)
    consents     answer(db, attendee_id, seat_id=, version=, answer="yes"|"no", now=)
                 withdraw(db, attendee_id, seat_id=, now=)   publish(db, zh=, en=, by=, now=) -> str
                 reads: text(db, version) -> TextView(version, zh, en)   current(db) -> TextView
    recording    ask(db, sitting_id, now, by=)   start(db, sitting_id, now, by=)   stop(db, sitting_id, now, by=)
                 reads: blockers(db, sitting_id) -> tuple[Blocker(seat_id, attendee_id, name, consent), …]
    chat         post(db, seat_id, text, now) -> str   reads: lines(db, sitting_id, after=None) -> tuple[Line, …]
    hands        raise_hand(db, seat_id, now)   lower(db, seat_id, now)
    board        write(db, seat_id, text, now)   reads: read(db, sitting_id) -> BoardView
    hosting      remove(db, seat_id, by=, now=)   mute(db, seat_id, by=, now=)   lock(db, sitting_id, by=, now=)   unlock(…)
    webhooks     handle(db, WebhookEvent(id, kind, room, room_sid, identity, participant_sid, at), now) -> sitting id | None
    sealing      begin(db, sitting_id, now) -> Evidence | None   sealed(db, sitting_id, now)   failed(db, sitting_id, now)
    evidence     reads: collect(db, sitting_id) -> Evidence
    coordinator  Coordinator(database, media, capture, clock): enter(seat_id) -> Entry(token, url, media_room, identity),
                 settle(sitting_id) -> bool
    upkeep       Upkeep(coordinator).run(): one task of the server; renews leases, reconciles, re-drives what a crash left

Page topics: `sitting:<id>`; every change of a sitting is published to the outbox in its own transaction.
"""
