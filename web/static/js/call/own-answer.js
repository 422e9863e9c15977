/** One's own answer on recording: asked at a staff member's device check, changed at any time under 更多. */
export default class OwnAnswer {
  /** @param {HTMLElement} root @param {{acts: any, live: any}} parts */
  constructor(root, { acts, live }) {
    this.root = root;
    this.acts = acts;
    this.live = live;
    this.fieldset = /** @type {HTMLElement|null} */ (root.querySelector("[data-part='answer']"));
    for (const button of this.fieldset?.querySelectorAll("[data-answer]") ?? []) {
      /** @type {HTMLButtonElement} */ (button).disabled = false;
      button.addEventListener("click", () => void this.#answer(/** @type {HTMLElement} */ (button).dataset.answer ?? "no"));
    }
  }

  draw(/** @type {any} */ state) {
    const own = state.you.attendees[0];
    for (const button of this.fieldset?.querySelectorAll("[data-answer]") ?? []) {
      const means = /** @type {HTMLElement} */ (button).dataset.answer === "yes" ? ["yes"] : ["no", "withdrawn"];
      const chosen = Boolean(own && means.includes(own.answer));
      button.setAttribute("aria-pressed", String(chosen));
      button.classList.toggle("ss-btn--on", chosen);
    }
  }

  async #answer(/** @type {string} */ answer) {
    const { attendee, version } = /** @type {DOMStringMap} */ (this.fieldset?.dataset);
    await this.acts.do("answer", { attendee, version, answer });
    void this.live.refresh();
  }
}
