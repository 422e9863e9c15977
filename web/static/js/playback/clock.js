/**
 * The master clock of a playback: where we are on the record's time line. Pure; the caller says what time it is.
 * All times in milliseconds; `rate` 1 is the speed of life.
 */
export class MasterClock {
  /** @param {number} lengthMs */
  constructor(lengthMs) {
    this.lengthMs = lengthMs;
    this.rate = 1;
    this.playing = false;
    this.baseMs = 0;
    this.atMs = 0;
  }

  /**
   * @param {number} nowMs
   * @returns {number} the position, never outside the record
   */
  position(nowMs) {
    const moved = this.playing ? (nowMs - this.atMs) * this.rate : 0;
    return Math.min(Math.max(this.baseMs + moved, 0), this.lengthMs);
  }

  /** @param {number} nowMs */
  play(nowMs) {
    if (this.position(nowMs) >= this.lengthMs) this.seek(0, nowMs);
    this.#anchor(nowMs);
    this.playing = true;
  }

  /** @param {number} nowMs */
  pause(nowMs) {
    this.#anchor(nowMs);
    this.playing = false;
  }

  /** @param {number} positionMs @param {number} nowMs */
  seek(positionMs, nowMs) {
    this.baseMs = Math.min(Math.max(positionMs, 0), this.lengthMs);
    this.atMs = nowMs;
  }

  /** @param {number} rate @param {number} nowMs */
  setRate(rate, nowMs) {
    this.#anchor(nowMs);
    this.rate = rate;
  }

  /** @param {number} nowMs */
  ended(nowMs) {
    return this.position(nowMs) >= this.lengthMs;
  }

  /** @param {number} nowMs */
  #anchor(nowMs) {
    this.baseMs = this.position(nowMs);
    this.atMs = nowMs;
  }
}

/** Off by more than this, a track jumps; by less, it runs a little faster or slower until it is in step. */
export const JUMP_MS = 350;
/** Lip-sync nobody notices (ITU-R BT.1359: −125…+45 ms is detectable; we stay well inside). */
export const IN_STEP_MS = 20;
/** The fastest catching up: speech stays speech. */
const CATCH_UP = 0.25;

/**
 * What a track must do to be where the clock is. Pure.
 * @param {number} driftMs how far the track is ahead (negative: behind)
 * @param {number} rate the clock's rate
 * @returns {{jump: true} | {jump: false, rate: number}}
 */
export function steer(driftMs, rate) {
  if (Math.abs(driftMs) > JUMP_MS) return { jump: true };
  if (Math.abs(driftMs) <= IN_STEP_MS) return { jump: false, rate };
  const lean = Math.min(Math.max(driftMs / 1000, -CATCH_UP), CATCH_UP); // a second would mend it
  return { jump: false, rate: rate * (1 - lean) };
}

/**
 * The next moment worth hearing: inside a gap that concerns everybody, its end; else the position itself. Pure.
 * @param {number} positionMs
 * @param {{from_ms: number, to_ms: number, seat: string | null}[]} gaps
 */
export function afterGap(positionMs, gaps) {
  const gap = gaps.find((g) => g.seat === null && g.from_ms <= positionMs && positionMs < g.to_ms);
  return gap ? gap.to_ms : positionMs;
}

/**
 * 754000 → "12:34", 3723000 → "1:02:03".
 * @param {number} ms
 */
export function clockText(ms) {
  const whole = Math.floor(ms / 1000);
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const hours = Math.floor(whole / 3600);
  const rest = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return hours ? `${hours}:${rest}` : rest;
}
