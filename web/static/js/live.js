/**
 * Keeps a part of a staff page fresh: when the server says that one of its topics changed, the page is fetched again and the
 * part with the same id is put in its place. Focus stays where it was; readers are told through the part's own live regions.
 * Only a visible page listens, so that many open tabs cost one connection.
 *
 * <div id="tasks" data-module="live" data-topics="case:… sitting:…">
 */
import { start } from "./page.js";

const GATHER_MS = 150; // several changes in one breath are one fetch
const RETRY_MS = 5000;

/** @param {HTMLElement} part */
export default function live(part) {
  new LivePart(part).watch();
}

class LivePart {
  /** @param {HTMLElement} part */
  constructor(part) {
    this.part = part;
    /** @type {EventSource | null} */
    this.stream = null;
    this.timer = 0;
    this.seen = false;
  }

  watch() {
    document.addEventListener("visibilitychange", () => this.#listen());
    addEventListener("pagehide", () => this.#close());
    addEventListener("pageshow", () => this.#listen());
    this.#listen();
  }

  #listen() {
    if (document.hidden) return this.#close();
    if (this.stream) return undefined;
    const topics = (this.part.dataset.topics ?? "").split(/\s+/).filter(Boolean);
    if (!topics.length) return undefined;
    const query = topics.map((topic) => `topic=${encodeURIComponent(topic)}`).join("&");
    this.stream = new EventSource(`/live?${query}`);
    // After a pause the page may be old, so the stream's opening counts as a change from the second time on.
    this.stream.addEventListener("open", () => {
      if (this.seen) this.#soon();
      this.seen = true;
    });
    this.stream.addEventListener("changed", () => this.#soon());
    return undefined;
  }

  #close() {
    this.stream?.close();
    this.stream = null;
  }

  #soon(wait = GATHER_MS) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#refresh(), wait);
  }

  async #refresh() {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      if (answer.redirected || !answer.ok) return location.reload();
      this.#replace(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      this.#soon(RETRY_MS);
    }
    return undefined;
  }

  /** @param {Document} page */
  #replace(page) {
    const fresh = page.getElementById(this.part.id);
    if (!fresh || fresh.innerHTML === this.part.innerHTML) return;
    const focused = document.activeElement;
    const address = focused instanceof HTMLAnchorElement && this.part.contains(focused) ? focused.getAttribute("href") : null;
    this.part.replaceChildren(...fresh.childNodes);
    if (address) this.part.querySelector(`a[href="${CSS.escape(address)}"]`)?.focus();
    const topics = fresh.dataset.topics;
    if (topics !== this.part.dataset.topics) {
      this.part.dataset.topics = topics ?? "";
      this.#close();
      this.#listen();
    }
    start(this.part);
  }
}
