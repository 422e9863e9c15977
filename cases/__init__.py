"""The file: organisations, people, permissions, cases and their life, records' rights.

Functions are async, take `db` first and keyword arguments after; what depends on the clock takes `now`. What is done in
somebody's name takes `actor: Actor`, is refused with `NotAllowedError` where the permission table says no
(`NotFoundError` when not even the case's existence is theirs to know), and is written to the audit chain. All errors
derive from `CasesError` and carry a stable `.code`; what was typed wrongly comes as `InvalidInputError.problems`, each
with `field` and `code`.

| module | offers |
|---|---|
| `models` | `Organisation` organisation, `Staff` staff, `Assignment` assignment, `Login` login, `Case` case_file, |
| | `CaseStaff` case_staff, `Party` party, `CaseEvent` case_event, `Record` record |
| `actors` | `Actor` (id, kind, name, duties); `of_staff(db, staff_id=)`, `of_party(db, party_id=)`, `SYSTEM` |
| `permissions` | `Action`, `Role`, `Relation`, `Kind`, `allowed(action, role, relation, kind)`: one pure table |
| `access` | `require_case(db, actor=, action=, case_id=)` gives the `Case`; `may_on_case`, `actions_on_case`, `visible` |
| `organisations` | `create`, `edit`, `move`, `get`, `tree(db)`, `below`, `above`, `found`; `OrganisationDetails` |
| `staff` | `create`, `assign`, `end_assignment`, `deactivate`, `reset_password`, `listing`, `candidates`, `names` |
| `logins` | `sign_in(database, login_name=, password=, address=, now=)`, `resume(db, cookie=, now=)`, `open_logins`, |
| | `sign_out`, `revoke`, `revoke_all`, `change_password(database, ...)` |
| `passwords` | `hash_password(text)`, `check_strength(text, login_name=)` |
| `applications` | `Application`, `PartyDetails` and their choices; `checked(application)`, pure |
| `filing` | `file_case(db, actor=, application=, now=)`, `settle_at_once(..., terms=)`, `edit_case(..., case_id=)` |
| `life` | pure: `State`, `Event`, `Ending`, `NEEDS`, `step(state, event)`, `possible(state)` |
| `progress` | `advance(db, actor=, case_id=, event=, details=Details(...), now=)`, `take`, `assign`, `involve`, `dismiss`, |
| | `possible_events`, `sitting_opened(db, case_id=, sitting_id=, staff_id=, now=)` |
| `people` | `parties_of(db, case_id)`, `staff_of(db, case_id)`: no right is checked there |
| `timeline` | `add(db, case_id=, event=, actor=, subject=, note=, now=)`, `of_case(db, actor=, case_id=)` |
| `register` | `listing(db, actor=, query=Query(...))` gives `Page`; `overview(db, actor=, case_id=)`; `content(..., now=)` |
| `records` | `attach`, `of_case`, `authorise_playback(db, actor=, record_id=, purpose=, now=)`, `playback`, `audit_list` |
| `demo` | `load(database, now=)` gives `DemoCounty`: fictional county, idempotent |
"""
