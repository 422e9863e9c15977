/** The large-letter board: what is typed stands at 48 px for everybody, until it is wiped. */
export default class Board {
  /** @param {HTMLElement} element @param {{words: any, acts: any, live: any, sheets: import("./sheets.js").default}} parts */
  constructor(element, { words, acts, live, sheets }) {
    this.element = element;
    this.words = words;
    this.acts = acts;
    this.live = live;
    this.sheets = sheets;
    this.board = /** @type {HTMLElement} */ (element.querySelector("[data-part='board']"));
    this.form = /** @type {HTMLFormElement} */ (this.at("form"));
    this.form.addEventListener("submit", (event) => void this.#write(event));
    this.at("clear").addEventListener("click", () => void this.#put(""));
  }

  at(/** @type {string} */ name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-board='${name}']`));
  }

  draw(/** @type {any} */ state) {
    const { text, by } = state.board;
    this.board.hidden = !text;
    const place = this.at("text");
    if (place.textContent !== text) place.textContent = text;
    this.at("by").textContent = text ? this.words("board.by", { name: by }) : "";
  }

  async #write(/** @type {Event} */ event) {
    event.preventDefault();
    const input = /** @type {HTMLTextAreaElement} */ (this.form.elements.namedItem("text"));
    if (await this.#put(input.value)) {
      input.value = "";
      this.sheets.close("writing");
    }
  }

  async #put(/** @type {string} */ text) {
    const error = this.at("error");
    try {
      await this.acts.do("board", { text });
      error.hidden = true;
      void this.live.refresh();
      return true;
    } catch (failure) {
      error.hidden = false;
      const message = /** @type {Error} */ (failure).message || this.words("failed");
      /** @type {HTMLElement} */ (error.querySelector("span")).textContent = message;
      return false;
    }
  }
}
