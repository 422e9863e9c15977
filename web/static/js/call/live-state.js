/**
 * The application's view of this sitting, kept fresh: the server says "changed", we ask again with our own rights. No DOM.
 *
 * Events: `state` {state} after each fresh answer; `refused` {code, message} when the seat may not look any more;
 * `reach` {online} when the application could be reached again, or not.
 */

const ASK_ANYWAY_MS = 8_000; // a stream that died silently must not leave anybody waiting

export class LiveState extends EventTarget {
  /** @param {import("./acts.js").Acts} acts */
  constructor(acts) {
    super();
    this.acts = acts;
    this.state = null;
    this.stream = null;
    this.timer = 0;
    this.asking = false;
    this.again = false;
    this.online = true;
    this.stopped = false;
    globalThis.addEventListener?.("online", () => void this.refresh());
    globalThis.document?.addEventListener("visibilitychange", () => document.hidden || void this.refresh());
  }

  start() {
    this.stopped = false;
    this.#listen();
    void this.refresh();
  }

  stop() {
    this.stopped = true;
    this.stream?.close();
    this.stream = null;
    clearTimeout(this.timer);
  }

  /** Ask now. Calls during a question are answered by one more question after it. */
  async refresh() {
    if (this.stopped) return;
    if (this.asking) {
      this.again = true;
      return;
    }
    this.asking = true;
    clearTimeout(this.timer);
    await this.#ask();
    this.asking = false;
    const soon = this.again;
    this.again = false;
    if (soon) return void this.refresh();
    if (!this.stopped) this.timer = globalThis.setTimeout(() => void this.refresh(), ASK_ANYWAY_MS);
  }

  async #ask() {
    try {
      const state = await this.acts.state();
      this.#reach(true);
      this.state = state;
      this.#tell("state", { state });
    } catch (failure) {
      const problem = /** @type {import("./acts.js").ActError} */ (failure);
      this.#reach(Boolean(problem.final));
      if (problem.final) this.#tell("refused", { code: problem.code, message: problem.message });
    }
  }

  /** The browser opens the stream again by itself; only a refusal ends it, and then the slow questions remain. */
  #listen() {
    this.stream?.close();
    this.stream = new EventSource(`${this.acts.root}/events`);
    this.stream.addEventListener("changed", () => void this.refresh());
    this.stream.addEventListener("open", () => void this.refresh());
  }

  #reach(/** @type {boolean} */ online) {
    if (this.online === online) return;
    this.online = online;
    if (online && this.stream?.readyState === EventSource.CLOSED) this.#listen();
    this.#tell("reach", { online });
  }

  #tell(/** @type {string} */ name, /** @type {object} */ detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
