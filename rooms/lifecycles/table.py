"""A lifecycle is a table: (state, event) → where it goes and what must be done. Everything else is illegal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from rooms.errors import IllegalMoveError

S = TypeVar("S", bound=Enum)
E = TypeVar("E", bound=Enum)
F = TypeVar("F")


@dataclass(frozen=True)
class Move(Generic[S, F]):
    """One cell of the table: the state to go to, and the effects the shell owes afterwards, in order."""

    to: S
    effects: tuple[F, ...] = ()


@dataclass(frozen=True)
class Table(Generic[S, E, F]):
    """The whole lifecycle. `name` appears in the error of an illegal move."""

    name: str
    moves: Mapping[tuple[S, E], Move[S, F]]

    def step(self, state: S, event: E) -> Move[S, F]:
        """The move for this event. Raises `IllegalMoveError`; the table knows no default."""
        move = self.moves.get((state, event))
        if move is None:
            raise IllegalMoveError(self.name, str(state.value), str(event.value))
        return move

    def allows(self, state: S, event: E) -> bool:
        """Whether the table has this move."""
        return (state, event) in self.moves
