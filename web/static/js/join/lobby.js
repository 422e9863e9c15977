/** The lobby: who is there, how long one has waited; nothing to press. */
import { fillPerson } from "../call/people.js";

export default class Lobby {
  /**
   * @param {HTMLElement} element
   * @param {{root: HTMLElement, words: any, acts: import("../call/acts.js").Acts, back: () => void}} parts
   */
  constructor(element, { root, words, acts, back }) {
    this.element = element;
    this.root = root;
    this.words = words;
    this.acts = acts;
    this.since = 0;
    this.at("back").addEventListener("click", back);
    this.at("alone").addEventListener("click", () => void this.#askAlone());
    setInterval(() => this.#drawWaited(), 5_000);
  }

  at(/** @type {string} */ name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-lobby='${name}']`));
  }

  draw(/** @type {any} */ state) {
    this.since = state.you.arrived_at ? Date.now() - state.you.waited_s * 1000 : 0;
    this.position = state.you.position;
    this.at("moved").hidden = !state.you.moved;
    this.at("alone").setAttribute("aria-pressed", String(state.you.hand));
    this.at("alone-said").hidden = !state.you.hand;
    this.#drawPeople(state.people);
    this.#drawWaited();
  }

  reached(/** @type {boolean} */ online) {
    this.at("offline").hidden = online;
  }

  #drawPeople(/** @type {any[]} */ people) {
    const shown = JSON.stringify(people);
    if (shown === this.shown) return;
    this.shown = shown;
    this.at("people").replaceChildren(...people.map((person) => fillPerson(this.root, person)));
  }

  #drawWaited() {
    const minutes = this.since ? Math.floor((Date.now() - this.since) / 60_000) : 0;
    const waited = minutes < 1 ? this.words("waited.now") : this.words("waited.minutes", { n: minutes });
    const order = this.position > 1 ? this.words("waited.order", { n: this.position - 1 }) : "";
    const text = order ? `${waited} ${order}` : waited;
    const place = this.at("waited");
    if (place.textContent !== text) place.textContent = text;
  }

  async #askAlone() {
    const up = this.at("alone").getAttribute("aria-pressed") !== "true";
    await this.acts.do("hand", { up }).catch(() => undefined);
    this.at("alone").setAttribute("aria-pressed", String(up));
    this.at("alone-said").hidden = !up;
  }
}
