/** Tells screen readers who came, who left and whether it records: one polite line, nothing twice. */
export default class Announcer {
  /** @param {HTMLElement} element @param {any} words */
  constructor(element, words) {
    this.element = element;
    this.words = words;
    /** @type {Map<string, string>|null} names of those in the room, by seat */
    this.inside = null;
  }

  follow(/** @type {EventTarget} */ room) {
    room.addEventListener("place", (event) => {
      const { place } = /** @type {CustomEvent} */ (event).detail;
      if (place === "in") this.say(this.words("say.in"));
      if (place === "away" || place === "resuming") this.say(this.words("say.lost"));
    });
  }

  draw(/** @type {any} */ state) {
    const now = new Map(state.people.filter((/** @type {any} */ person) => person.here === "in" && !person.you)
      .map((/** @type {any} */ person) => [person.seat, person.names]));
    const before = this.inside;
    this.inside = now;
    if (!before) return;
    for (const [seat, names] of now) if (!before.has(seat)) this.say(this.words("say.came", { name: names }));
    for (const [seat, names] of before) if (!now.has(seat)) this.say(this.words("say.left", { name: names }));
  }

  /** Lines that come together are read together; each disappears so that it is not found again later. */
  say(/** @type {string} */ sentence) {
    const line = document.createElement("span");
    line.textContent = `${sentence} `;
    this.element.append(line);
    setTimeout(() => line.remove(), 8000);
  }
}
