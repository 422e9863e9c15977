"""The lifecycles of a live meeting, one table each, pure: no clock, loop, socket or database.

| module | what lives |
|---|---|
| `sitting` | the meeting as a whole, from opening to the seal |
| `seat` | one device's place, kept through drops |
| `consent` | one attendee's answer about recording |
| `recording` | whether the sitting is being recorded, and why not |
| `lease` | the permission the capture holds at this moment |

`step(state, event, …)` gives the next state with its effects; an illegal move raises and changes nothing.
"""
