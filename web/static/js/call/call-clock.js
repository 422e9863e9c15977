/** How long this sitting has lasted. The server says when it began; its clock and ours may differ, so it says "now", too. */
import { clock } from "./words.js";

export default class CallClock {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.place = /** @type {HTMLElement} */ (element.querySelector("[data-part='clock']"));
    this.began = 0;
    setInterval(() => this.#tick(), 1000);
  }

  draw(/** @type {any} */ state) {
    this.began = state.sitting.lasted_s === null ? 0 : Date.now() - state.sitting.lasted_s * 1000;
    this.#tick();
  }

  #tick() {
    this.place.textContent = this.began ? clock((Date.now() - this.began) / 1000) : "0:00";
  }
}
