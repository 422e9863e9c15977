/**
 * Playback of a record: all seats in step on one time line. The plan (seats, files, gaps) comes from the server, and each
 * request for a file is authorised there again.
 *
 * Keys: space plays and pauses, the arrows left and right go five seconds, J and L ten, 0–9 tenths of the record.
 */
import { MasterClock, afterGap, clockText } from "./clock.js";
import { EARLY_MS, Part } from "./part.js";
import { drawLanes } from "./time-line.js";

const TICK_MS = 100;
const WAIT_AT_MOST_MS = 4000;

/** @param {HTMLElement} root */
export default async function player(root) {
  const answer = await fetch(root.dataset.plan ?? "", { headers: { Accept: "application/json" } });
  const plan = await answer.json();
  if (!answer.ok) {
    find(root, "trouble").textContent = plan.message ?? "";
    find(root, "trouble").hidden = false;
    return;
  }
  new Player(root, plan).start();
}

/** @param {HTMLElement} root @param {string} name @returns {any} */
function find(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

class Player {
  /** @param {HTMLElement} root @param {any} plan */
  constructor(root, plan) {
    this.root = root;
    this.plan = plan;
    this.clock = new MasterClock(plan.length_ms);
    this.skipGaps = true;
    this.waitingSince = 0;
    this.parts = plan.seats.flatMap((/** @type {any} */ seat) => {
      const place = /** @type {HTMLElement} */ (root.querySelector(`[data-seat="${CSS.escape(seat.id)}"]`));
      return place ? seat.parts.map((/** @type {any} */ part) => new Part(part, place)) : [];
    });
    this.showPosition = drawLanes(find(root, "lanes"), plan);
    this.bar = find(root, "bar");
    this.bar.max = String(plan.length_ms);
    this.bar.disabled = false;
  }

  start() {
    find(this.root, "play").addEventListener("click", () => this.toggle());
    find(this.root, "back").addEventListener("click", () => this.move(-10_000));
    find(this.root, "forward").addEventListener("click", () => this.move(10_000));
    find(this.root, "speed").addEventListener("change", () => this.clock.setRate(Number(find(this.root, "speed").value), now()));
    find(this.root, "skip").addEventListener("click", () => this.toggleSkip());
    this.bar.addEventListener("input", () => this.seek(Number(this.bar.value)));
    this.root.addEventListener("keydown", (event) => this.#key(event));
    this.root.addEventListener("partfailed", () => (find(this.root, "trouble").hidden = false));
    for (const marker of this.root.querySelectorAll("[data-at-ms]")) {
      marker.addEventListener("click", (event) => {
        event.preventDefault();
        this.seek(Number(/** @type {HTMLElement} */ (marker).dataset.atMs));
      });
    }
    for (const button of this.root.querySelectorAll("button:disabled")) /** @type {HTMLButtonElement} */ (button).disabled = false;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    addEventListener("pagehide", () => this.close());
    this.tick();
  }

  close() {
    clearInterval(this.timer);
    for (const part of this.parts) part.close();
  }

  toggle() {
    if (this.clock.playing) this.clock.pause(now());
    else this.clock.play(now());
    this.#showPlaying();
    this.tick();
  }

  toggleSkip() {
    this.skipGaps = !this.skipGaps;
    const button = find(this.root, "skip");
    button.setAttribute("aria-pressed", String(this.skipGaps));
    button.classList.toggle("ss-btn--on", this.skipGaps);
  }

  /** @param {number} ms */
  move(ms) {
    this.seek(this.clock.position(now()) + ms);
  }

  /** @param {number} ms */
  seek(ms) {
    this.clock.seek(ms, now());
    this.waitingSince = 0;
    this.tick();
  }

  tick() {
    const at = now();
    let position = this.clock.position(at);
    if (this.clock.playing && this.skipGaps) {
      const next = afterGap(position, this.plan.gaps);
      if (next !== position) {
        this.clock.seek(next, at);
        position = next;
      }
    }
    if (this.clock.playing && this.clock.ended(at)) {
      this.clock.pause(at);
      this.#showPlaying();
    }
    const ready = this.parts.map((/** @type {Part} */ part) => part.follow(position, this.clock.playing, this.clock.rate)).every(Boolean);
    this.#wait(ready, position, at);
    this.#show(position);
  }

  /** A file that is still loading holds the clock, but not for ever: the others go on without it.
   * @param {boolean} ready @param {number} position @param {number} at */
  #wait(ready, position, at) {
    if (ready || !this.clock.playing) {
      this.waitingSince = 0;
    } else {
      this.waitingSince ||= at;
      if (at - this.waitingSince < WAIT_AT_MOST_MS) this.clock.seek(position, at);
    }
    find(this.root, "waiting").hidden = ready;
  }

  /** @param {number} position */
  #show(position) {
    const text = clockText(position);
    const place = find(this.root, "position");
    if (place.textContent !== text) place.textContent = text;
    this.showPosition(position);
    if (document.activeElement !== this.bar || this.clock.playing) this.bar.value = String(Math.round(position));
    const then = new Date(Date.parse(this.plan.started_at) + position);
    const when = then.toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false, timeZone: this.plan.time_zone });
    find(this.root, "when").textContent = when;
    this.bar.setAttribute("aria-valuetext", `${text}, ${when}`);
    this.#showGap(position);
    this.#showSeats(position);
  }

  /** @param {number} position */
  #showGap(position) {
    const gap = this.plan.gaps.find((/** @type {any} */ g) => g.seat === null && g.from_ms <= position && position < g.to_ms);
    const place = find(this.root, "gap");
    const text = gap ? gap.text : "";
    if (place.textContent !== text) place.textContent = text;
    place.hidden = !gap;
  }

  /** @param {number} position */
  #showSeats(position) {
    for (const seat of this.plan.seats) {
      const place = this.root.querySelector(`[data-seat="${CSS.escape(seat.id)}"]`);
      const picture = seat.parts.some((/** @type {any} */ p) => p.kind === "video" && p.start_ms - EARLY_MS <= position && position < p.end_ms);
      const off = /** @type {HTMLElement | null} */ (place?.querySelector("[data-part=off]") ?? null);
      if (off) off.hidden = picture;
    }
  }

  #showPlaying() {
    const button = find(this.root, "play");
    button.dataset.state = this.clock.playing ? "playing" : "paused";
    for (const face of button.querySelectorAll("[data-face]")) face.hidden = face.dataset.face !== button.dataset.state;
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const target = /** @type {HTMLElement} */ (event.target);
    if (event.altKey || event.ctrlKey || event.metaKey || target.matches("select, textarea, input:not([type=range])")) return;
    const isControl = target.matches("button, a");
    /** @type {Record<string, () => void>} */
    const acts = {
      " ": () => this.toggle(),
      ArrowLeft: () => this.move(-5_000),
      ArrowRight: () => this.move(5_000),
      j: () => this.move(-10_000),
      l: () => this.move(10_000),
    };
    if (/^[0-9]$/.test(event.key)) acts[event.key] = () => this.seek((Number(event.key) / 10) * this.plan.length_ms);
    const act = acts[event.key];
    if (!act || (event.key === " " && isControl)) return;
    event.preventDefault();
    act();
  }
}

function now() {
  return performance.now();
}
