"""The door of a sitting for people with a login: the host, the lawyer, the clerk. They need no invitation and no lobby."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from cases import access as case_access
from cases.actors import Actor
from cases.permissions import Action
from cases.permissions import Role as Duty
from rooms import seats, sittings
from rooms.rights import Role
from rooms.sittings import SittingView
from web import errors
from web.access import actor_of, staff
from web.seat_access import root_of
from web.services import services_of


@staff
async def enter(request: Request) -> Response:
    """Go to one's own seat in this sitting; it is set on the first visit and the same one every time.

    Raises `NotFoundError`, `WebError` (`web.forbidden`), `SittingError` (ended, locked, full), `SeatError` (removed)."""
    services, actor = services_of(request), actor_of(request)
    async with services.database.writing() as db:
        view = await sittings.view(db, request.path_params["sitting"])
        role = await role_of(db, actor, view)
        if role is None:
            raise errors.WebError("web.forbidden")
        seat_id = await seats.take_staff_seat(
            db, view.head.sitting_id, staff_id=actor.id, role=role.value, name=actor.name, now=services.now()
        )
    await services.coordinator.settle(view.head.sitting_id)
    return RedirectResponse(f"{root_of(seat_id)}/room", 303)


async def role_of(db: AsyncSession, actor: Actor, view: SittingView) -> Role | None:
    """The part this person plays in the sitting; None when they have none.

    The host of the sitting; else who was given a seat in it; else who is on the case and may host or attend."""
    if actor.id == view.head.host_staff_id:
        return Role.HOST
    invited = next((seat.role for seat in view.seats if seat.staff_id == actor.id), None)
    if invited is not None or view.head.case_id is None:
        return invited
    may = await case_access.actions_on_case(db, actor=actor, case_id=view.head.case_id)
    if Action.SITTING_HOST in may:
        return Role.HOST
    if Action.SITTING_ATTEND not in may:
        return None
    return Role.LAWYER if actor.has_role(Duty.LAWYER) else Role.CLERK


routes = [Route("/sittings/{sitting}", enter, name="sitting")]
