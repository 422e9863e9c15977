/** The chat: lines of the application, kept with the sitting. What comes while it is closed is shown for a moment above. */
import { copy } from "./people.js";

export default class Chat {
  /** @param {HTMLElement} element @param {{root: HTMLElement, words: any, acts: any, live: any, news: import("./news.js").default}} parts */
  constructor(element, { root, words, acts, live, news }) {
    this.element = element;
    this.root = root;
    this.words = words;
    this.acts = acts;
    this.live = live;
    this.news = news;
    this.known = new Set();
    this.first = true;
    this.unread = 0;
    this.page = /** @type {HTMLElement} */ (element.querySelector("#page-chat"));
    this.lines = this.at("lines");
    this.at("form").addEventListener("submit", (event) => void this.#send(event));
    element.addEventListener("opened", () => this.#read());
    element.querySelector("#tab-chat")?.addEventListener("click", () => setTimeout(() => this.#read()));
  }

  at(/** @type {string} */ name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-chat='${name}']`));
  }

  draw(/** @type {any} */ state) {
    const fresh = state.messages.filter((/** @type {any} */ message) => !this.known.has(message.id));
    for (const message of fresh) this.#add(message);
    if (fresh.length) this.lines.scrollTop = this.lines.scrollHeight;
    const others = this.first ? [] : fresh.filter((/** @type {any} */ message) => !message.you);
    this.first = false;
    if (this.#isOpen() || !others.length) return;
    this.unread += others.length;
    const last = others[others.length - 1];
    this.news.said(this.words("said", { name: last.who, text: last.text }));
    this.#drawUnread();
  }

  #add(/** @type {any} */ message) {
    this.known.add(message.id);
    this.at("empty").hidden = true;
    const line = copy(this.root, "line");
    /** @type {HTMLElement} */ (line.querySelector("time")).textContent = message.at;
    /** @type {HTMLElement} */ (line.querySelector(".ss-line__who")).textContent = this.words("chat.who", { name: message.who });
    /** @type {HTMLElement} */ (line.querySelector(".ss-line__text")).textContent = message.text;
    this.lines.append(line);
  }

  async #send(/** @type {Event} */ event) {
    event.preventDefault();
    const input = /** @type {HTMLInputElement} */ (this.at("form").querySelector("input"));
    if (!input.value.trim()) return input.focus();
    const error = this.at("error");
    try {
      await this.acts.do("chat", { text: input.value });
      input.value = "";
      error.hidden = true;
    } catch (failure) {
      error.hidden = false;
      const message = /** @type {Error} */ (failure).message || this.words("failed");
      /** @type {HTMLElement} */ (error.querySelector("span")).textContent = message;
    }
    void this.live.refresh();
    input.focus();
  }

  #isOpen() {
    return !this.page.hidden && !(/** @type {HTMLElement} */ (this.page.closest(".ss-panel")).hidden);
  }

  #read() {
    if (!this.#isOpen()) return;
    this.unread = 0;
    this.#drawUnread();
    this.lines.scrollTop = this.lines.scrollHeight;
  }

  #drawUnread() {
    this.at("unread").textContent = this.unread ? ` ${this.unread}` : "";
  }
}
