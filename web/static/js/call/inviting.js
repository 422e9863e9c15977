/** The host asks one more person in: a link, a code and a picture of the link to scan. */
export default class Inviting {
  /** @param {HTMLElement} element @param {{words: any, acts: any, live: any}} parts */
  constructor(element, { words, acts, live }) {
    this.element = element;
    this.words = words;
    this.acts = acts;
    this.live = live;
    this.form = /** @type {HTMLFormElement|null} */ (element.querySelector("[data-invite='form']"));
    this.form?.addEventListener("submit", (event) => void this.#issue(event));
  }

  at(/** @type {string} */ name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-invite='${name}']`));
  }

  draw() {}

  async #issue(/** @type {Event} */ event) {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (this.form);
    const { name, role } = /** @type {any} */ (Object.fromEntries(new FormData(form)));
    const error = this.at("error");
    try {
      this.#show(await this.acts.do("invite", { name, role }), name);
      error.hidden = true;
      form.reset();
    } catch (failure) {
      error.hidden = false;
      const message = /** @type {Error} */ (failure).message || this.words("failed");
      /** @type {HTMLElement} */ (error.querySelector("span")).textContent = message;
    }
    void this.live.refresh();
  }

  #show(/** @type {{link: string, code: string, qr: string}} */ issued, /** @type {string} */ name) {
    this.at("issued").hidden = false;
    this.at("say").textContent = this.words("invite.say", { name });
    this.at("code").textContent = `${issued.code.slice(0, 3)} ${issued.code.slice(3)}`;
    /** @type {HTMLInputElement} */ (this.at("link")).value = issued.link;
    /** @type {HTMLImageElement} */ (this.at("qr")).src = issued.qr;
  }
}
