/**
 * The life of one page's connection to the media room: one transition table, no DOM, no network, no clock.
 *
 *     out ──enter──▶ joining ──connected──▶ in ◀──resumed── resuming
 *                     ▲  │ lost               │ interrupted ──▲
 *               retry │  ▼                    │ lost
 *                     away ◀──────────────────┘
 *
 * `resuming`: livekit-client mends the line by itself. `away`: it gave up, or took too long, and the page brings the person
 * back with a fresh token, for as long as it takes. `elsewhere`: a newer page holds the seat. `over`: left, removed, sent back or ended.
 */

/** @typedef {"out"|"joining"|"in"|"resuming"|"away"|"elsewhere"|"over"} Place */
/** @typedef {"enter"|"connected"|"interrupted"|"resumed"|"lost"|"retry"|"replaced"|"closed"|"leave"} Happening */
/** @typedef {"connect"|"settle"|"watch"|"wait"|"disconnect"|"release"} Effect */

/** @type {Partial<Record<Happening, [Place, Effect[]]>>} */
const ENDINGS = {
  replaced: ["elsewhere", ["release"]],
  closed: ["over", ["release"]],
  leave: ["over", ["disconnect"]],
};

/** @type {Record<Place, Partial<Record<Happening, [Place, Effect[]]>>>} */
const TABLE = {
  out: { enter: ["joining", ["connect"]], leave: ["over", []], closed: ["over", []] },
  joining: { connected: ["in", ["settle"]], lost: ["away", ["wait"]], ...ENDINGS },
  in: { interrupted: ["resuming", ["watch"]], lost: ["away", ["wait"]], ...ENDINGS },
  resuming: { resumed: ["in", ["settle"]], interrupted: ["resuming", []], lost: ["away", ["wait"]], ...ENDINGS },
  away: { retry: ["joining", ["connect"]], ...ENDINGS },
  elsewhere: { enter: ["joining", ["connect"]], leave: ["over", []], closed: ["over", []] },
  over: { enter: ["joining", ["connect"]], leave: ["over", []], closed: ["over", []] },
};

/**
 * The next place and what has to be done, or null when the happening means nothing here (late news of an old line).
 *
 * @param {Place} place
 * @param {Happening} happening
 * @returns {{place: Place, effects: Effect[]} | null}
 */
export function step(place, happening) {
  const row = TABLE[place][happening];
  return row ? { place: row[0], effects: row[1] } : null;
}

/**
 * Pause before the next attempt in milliseconds: quick at first, at most five seconds, because a villager waits.
 *
 * @param {number} attempt attempts made since the line was last up, from 0
 */
export function pauseBefore(attempt) {
  return Math.min(500 * 2 ** attempt, 5000);
}
