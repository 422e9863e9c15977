"""The file: organisations, people, permissions, cases and their life, records' rights.

Every function is async, takes `db` first and keyword arguments after; what depends on the clock takes `now`. What is done in
somebody's name takes `actor: Actor`, is refused with `NotAllowedError` where the permission table says no, and is written to
the audit chain. All errors derive from `CasesError` and carry a stable `.code`; what was typed wrongly comes as
`InvalidInputError.problems`, each with `field` and `code`.

| module | offers |
|---|---|
| `models` | tables: `Organisation` organisation, `Staff` staff, `Assignment` assignment, `Login` login, `Case` case_file, |
| | `CaseStaff` case_staff, `Party` party, `CaseEvent` case_event, `Record` record |
| `actors` | `Actor` (id, name, kind, duties); `of_staff(db, staff_id=)`, `of_party(db, party_id=)`, `SYSTEM` |
| `permissions` | `Action`, `Role`, `Relation`, `allowed(...)`: one pure table |
| `access` | `require_case(db, actor=, action=, case_id=)` gives the `Case`; `may_on_case`, `actions_on_case`, `visible` |
| `organisations` | `create`, `edit`, `move`, `tree(db)`, `get(db, organisation_id=)`, `below(db, organisation_id=)` |
| `staff` | `create`, `assign`, `end_assignment`, `listing`, `deactivate`, `candidates(db, case_id=, role=)` |
| `logins` | `sign_in(database, login_name=, password=, address=, now=)`, `resume(db, cookie=, now=)`, `open_logins`, |
| | `sign_out`, `revoke`, `revoke_all`, `change_password(database, ...)`; `passwords.hash_password`, `check_strength` |
| `filing` | `file_case(db, actor=, application=, now=)`, `settle_at_once`, `edit_case`; `Application`, `PartyDetails` |
| `life` | pure: `State`, `Event`, `Ending`, `step(state, event)`, `possible(state)` |
| `progress` | `advance(db, actor=, case_id=, event=, ..., now=)`, `take`, `assign`, `involve`, `possible_events(...)` |
| `timeline` | `add(db, case_id=, event=, actor=, subject=, note=, now=)`, `of_case(db, actor=, case_id=)` |
| `register` | `listing(db, actor=, query=Query(...))` gives `Page`; `content(db, actor=, case_id=, now=)`; `overview` |
| `records` | `attach`, `of_case`, `authorise_playback(db, actor=, record_id=, purpose=, now=)`, `audit_list` |
| `demo` | `load(database, now=)` gives `DemoCounty`: fictional county, idempotent |
"""
