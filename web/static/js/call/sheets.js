/** Sheets from below and the side panel: one open at a time, Escape closes, the focus goes in and comes back. */
export default class Sheets {
  /** @param {HTMLElement} element */
  constructor(element) {
    this.element = element;
    this.panel = /** @type {HTMLElement} */ (element.querySelector("[data-part='panel']"));
    this.opener = null;
    element.addEventListener("click", (event) => this.#clicked(/** @type {HTMLElement} */ (event.target)));
    element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && this.current) this.close(this.current);
    });
  }

  /** The name of the open sheet, "" when none. */
  get current() {
    const open = /** @type {HTMLElement|null} */ (this.element.querySelector("[data-sheet]:not([hidden])"));
    if (open) return open.dataset.sheet ?? "";
    return !this.panel.hidden && this.#narrow() ? "panel" : "";
  }

  open(/** @type {string} */ name, /** @type {HTMLElement|null} */ opener = null) {
    for (const other of this.element.querySelectorAll("[data-sheet]:not([hidden])")) /** @type {HTMLElement} */ (other).hidden = true;
    const target = this.#find(name);
    target.hidden = false;
    if (name === "panel") this.element.classList.add("ss-call--panel");
    if (opener && !opener.closest("[data-sheet]")) this.opener = opener;
    this.#mark();
    target.dispatchEvent(new CustomEvent("opened", { bubbles: true }));
    const first = /** @type {HTMLElement|null} */ (target.querySelector("h2[tabindex], [role='tab'][aria-selected='true']"));
    if (opener) first?.focus();
  }

  close(/** @type {string} */ name) {
    this.#find(name).hidden = true;
    if (name === "panel") this.element.classList.remove("ss-call--panel");
    this.#mark();
    if (this.opener?.isConnected) this.opener.focus();
    this.opener = null;
  }

  toggle(/** @type {string} */ name, /** @type {HTMLElement} */ opener) {
    if (this.#find(name).hidden) this.open(name, opener);
    else this.close(name);
  }

  #find(/** @type {string} */ name) {
    return name === "panel" ? this.panel : /** @type {HTMLElement} */ (this.element.querySelector(`[data-sheet='${name}']`));
  }

  #clicked(/** @type {HTMLElement} */ target) {
    const opener = /** @type {HTMLElement|null} */ (target.closest("[data-open]"));
    if (opener) this.toggle(opener.dataset.open ?? "", opener);
    const closer = /** @type {HTMLElement|null} */ (target.closest("[data-close]"));
    if (closer) this.close(closer.dataset.close ?? "");
  }

  #mark() {
    for (const opener of this.element.querySelectorAll("[data-open][aria-expanded]")) {
      const name = /** @type {HTMLElement} */ (opener).dataset.open ?? "";
      opener.setAttribute("aria-expanded", String(!this.#find(name).hidden));
    }
  }

  #narrow() {
    return matchMedia("(max-width: 900px)").matches;
  }
}
