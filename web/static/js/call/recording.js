/** The recording sentence at every place it stands, and its announcement when it changes. */
export default class Recording {
  /** @param {HTMLElement} root @param {import("./announcer.js").default} announcer */
  constructor(root, announcer) {
    this.places = [...root.querySelectorAll("[data-part='recording']")];
    this.announcer = announcer;
    this.text = "";
  }

  draw(/** @type {any} */ state) {
    const { tone, text } = state.recording;
    if (text === this.text) return;
    const first = this.text === "";
    this.text = text;
    for (const place of this.places) {
      place.classList.toggle("ss-rec--on", tone === "on");
      place.classList.toggle("ss-rec--paused", tone === "paused");
      /** @type {HTMLElement} */ (place.querySelector("[data-recording='text']")).textContent = text;
    }
    if (!first) this.announcer.say(text);
  }
}
