/** Lines above the pictures, never over a face: the network, a break, sound held back by the browser, what was just written. */
const SAID_MS = 9000;

export default class News {
  /** @param {HTMLElement} element @param {{words: any}} parts */
  constructor(element, { words }) {
    this.element = element;
    this.words = words;
    this.place = "out";
    this.link = "good";
    this.online = true;
    this.restEnds = 0;
    this.timer = 0;
    element.querySelector("[data-act='sound']")?.addEventListener("click", () => void this.room?.startSound().then(() => this.#sound(false)));
    setInterval(() => this.#drawBreak(), 1000);
  }

  follow(/** @type {any} */ room) {
    this.room = room;
    room.addEventListener("place", (/** @type {CustomEvent} */ event) => {
      this.place = event.detail.place;
      this.#drawLine();
    });
    room.addEventListener("weak", (/** @type {CustomEvent} */ event) => {
      this.link = event.detail.link;
      this.#drawLine();
    });
    room.addEventListener("sound", (/** @type {CustomEvent} */ event) => this.#sound(event.detail.heldBack));
  }

  draw(/** @type {any} */ state) {
    this.restEnds = state.sitting.rest_s === null ? 0 : Date.now() + state.sitting.rest_s * 1000;
    this.#drawBreak();
  }

  reached(/** @type {boolean} */ online) {
    this.online = online;
    this.#drawLine();
  }

  /** Somebody wrote something while the chat was closed. */
  said(/** @type {string} */ sentence) {
    this.#put("said", sentence);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#put("said", ""), SAID_MS);
  }

  #drawLine() {
    this.#put("line", this.#lineText());
  }

  #lineText() {
    if (this.place === "joining") return this.words("line.joining");
    if (this.place === "resuming" || this.place === "away") return this.words("line.away");
    if (this.place === "in" && !this.online) return this.words("line.pages");
    if (this.place === "in" && this.link === "bad") return this.words("line.bad");
    if (this.place === "in" && this.link === "weak") return this.words("line.weak");
    return "";
  }

  #drawBreak() {
    const left = Math.ceil((this.restEnds - Date.now()) / 1000);
    const text = left > 0 ? this.words("rest", { n: Math.ceil(left / 60) }) : "";
    this.#put("break", text);
  }

  #sound(/** @type {boolean} */ heldBack) {
    /** @type {HTMLElement} */ (this.element.querySelector("[data-news='sound']")).hidden = !heldBack;
  }

  #put(/** @type {string} */ name, /** @type {string} */ text) {
    const strip = /** @type {HTMLElement} */ (this.element.querySelector(`[data-news='${name}']`));
    const place = /** @type {HTMLElement} */ (strip.querySelector("span"));
    strip.hidden = !text;
    if (place.textContent !== text) place.textContent = text;
  }
}
