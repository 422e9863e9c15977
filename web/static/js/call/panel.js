/** The side panel: who waits, who is here with what the host may do, and the tabs. */
import { copy, fillPerson, put } from "./people.js";

export default class Panel {
  /** @param {HTMLElement} element @param {{root: HTMLElement, words: any, acts: any, live: any, sheets: import("./sheets.js").default}} parts */
  constructor(element, { root, words, acts, live, sheets }) {
    this.element = element;
    this.root = root;
    this.words = words;
    this.acts = acts;
    this.live = live;
    this.sheets = sheets;
    this.panel = /** @type {HTMLElement} */ (element.querySelector("[data-part='panel']"));
    this.waiting = /** @type {HTMLElement|null} */ (element.querySelector("[data-part='waiting']"));
    this.people = /** @type {HTMLElement} */ (element.querySelector("[data-part='people']"));
    this.tabs = /** @type {HTMLElement[]} */ ([...this.panel.querySelectorAll("[role='tab']")]);
    this.knownWaiting = new Set();
    this.#tabs();
    this.waiting?.querySelector("[data-waiting='all']")?.addEventListener("click", () => void this.#act("admit_all", {}));
    element.querySelector("[data-sure='yes']")?.addEventListener("click", () => void this.#removeNow());
    if (root.dataset.hosting === "yes" && matchMedia("(min-width: 901px)").matches) sheets.open("panel");
  }

  draw(/** @type {any} */ state) {
    this.#drawWaiting(state.waiting ?? []);
    const shown = JSON.stringify(state.people);
    if (shown === this.shown) return;
    this.shown = shown;
    const focused = /** @type {HTMLElement|null} */ (document.activeElement)?.dataset.key;
    this.people.replaceChildren(...state.people.map((/** @type {any} */ person) => this.#person(person)));
    if (focused) /** @type {HTMLElement|null} */ (this.people.querySelector(`[data-key='${focused}']`))?.focus();
  }

  #drawWaiting(/** @type {any[]} */ waiting) {
    if (!this.waiting) return;
    const shown = JSON.stringify(waiting);
    if (shown === this.shownWaiting) return;
    this.shownWaiting = shown;
    this.waiting.hidden = waiting.length === 0;
    /** @type {HTMLElement} */ (this.waiting.querySelector("[data-waiting='all']")).hidden = waiting.length < 2;
    const list = /** @type {HTMLElement} */ (this.waiting.querySelector("[data-waiting='list']"));
    list.replaceChildren(...waiting.map((one) => this.#waitingItem(one)));
    const fresh = waiting.some((one) => !this.knownWaiting.has(one.seat));
    this.knownWaiting = new Set(waiting.map((one) => one.seat));
    this.#knock(waiting.length);
    if (fresh && this.panel.hidden && matchMedia("(min-width: 901px)").matches) this.sheets.open("panel");
  }

  /** On a phone the panel would cover the faces: a line above them says that somebody waits. */
  #knock(/** @type {number} */ count) {
    const strip = /** @type {HTMLElement} */ (this.element.querySelector("[data-news='door']"));
    strip.hidden = count === 0;
    /** @type {HTMLElement} */ (strip.querySelector("span")).textContent = count ? this.words("waiting.count", { n: count }) : "";
  }

  #waitingItem(/** @type {any} */ one) {
    const item = copy(this.root, "waiting");
    put(item, "initial", one.names.slice(0, 1));
    put(item, "name", this.words("waiting.name", { name: one.names }));
    put(item, "note", one.note);
    const admit = /** @type {HTMLButtonElement} */ (item.querySelector("[data-person='admit']"));
    admit.setAttribute("aria-label", this.words("waiting.admit", { name: one.names }));
    admit.addEventListener("click", () => {
      admit.disabled = true;
      void this.#act("admit", { seat: one.seat }).finally(() => (admit.disabled = false));
    });
    return item;
  }

  #person(/** @type {any} */ person) {
    const item = fillPerson(this.root, person);
    const acts = /** @type {HTMLElement} */ (item.querySelector("[data-person='acts']"));
    for (const act of person.may ?? []) acts.append(this.#button(act, person));
    return item;
  }

  #button(/** @type {string} */ act, /** @type {any} */ person) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = act === "remove" ? "ss-btn ss-btn--danger" : "ss-btn";
    button.dataset.key = `${act}-${person.seat}`;
    button.textContent = this.words(`may.${act}`);
    button.setAttribute("aria-label", `${this.words(`may.${act}`)}：${person.names}`);
    button.addEventListener("click", () => (act === "remove" ? this.#askRemove(person, button) : void this.#act(act, { seat: person.seat })));
    return button;
  }

  #askRemove(/** @type {any} */ person, /** @type {HTMLElement} */ opener) {
    this.removing = person.seat;
    const text = /** @type {HTMLElement} */ (this.element.querySelector("[data-sure='text']"));
    text.textContent = this.words("sure.remove", { name: person.names });
    this.sheets.open("sure", opener);
  }

  async #removeNow() {
    await this.#act("remove", { seat: this.removing });
    this.sheets.close("sure");
  }

  async #act(/** @type {string} */ act, /** @type {object} */ body) {
    await this.acts.do(act, body).catch((failure) => this.element.dispatchEvent(new CustomEvent("problem", { detail: failure })));
    void this.live.refresh();
  }

  /** Tabs as the ARIA practices have them: arrows move, the chosen one alone is in the tab order. */
  #tabs() {
    this.tabs.forEach((tab, at) => {
      tab.addEventListener("click", () => this.#choose(at));
      tab.addEventListener("keydown", (event) => {
        if (event.key !== "ArrowRight" && event.key !== "ArrowLeft") return;
        const next = (at + (event.key === "ArrowRight" ? 1 : this.tabs.length - 1)) % this.tabs.length;
        this.#choose(next);
        this.tabs[next].focus();
      });
    });
  }

  #choose(/** @type {number} */ chosen) {
    this.tabs.forEach((tab, at) => {
      tab.setAttribute("aria-selected", String(at === chosen));
      tab.tabIndex = at === chosen ? 0 : -1;
      const page = document.getElementById(tab.getAttribute("aria-controls") ?? "");
      if (page) page.hidden = at !== chosen;
    });
  }
}
