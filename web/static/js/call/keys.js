/** The keys: what each does, and how each looks while it is on. */
import { fillDevices } from "../join/device-check.js";

export default class Keys {
  /**
   * @param {HTMLElement} root
   * @param {{words: any, acts: any, own: any, live: any, page: any}} parts
   */
  constructor(root, { words, acts, own, live, page }) {
    this.root = root;
    this.words = words;
    this.acts = acts;
    this.own = own;
    this.live = live;
    this.page = page;
    this.state = null;
    this.sharing = false;
    this.room = null;
    root.addEventListener("click", (event) => {
      const key = /** @type {HTMLElement|null} */ (/** @type {HTMLElement} */ (event.target).closest("[data-act]"));
      if (key) void this.#press(key);
    });
    root.addEventListener("problem", (event) => this.#tell(/** @type {CustomEvent} */ (event).detail), true);
    this.#choosing();
    own.addEventListener("change", () => this.#drawOwn());
    own.addEventListener("problem", () => this.#drawOwn());
  }

  follow(/** @type {any} */ room) {
    this.room = room;
    room.addEventListener("own", () => this.#drawOwn());
    this.#drawOwn();
  }

  draw(/** @type {any} */ state) {
    this.state = state;
    this.#pressed("hand", state.you.hand);
    this.#pressed("lock", state.sitting.locked);
    this.#label("lock", state.sitting.locked ? "lock.on" : "lock.off");
    const may = state.recording.may;
    this.#show("record", may === "start" || may === "stop");
    this.#label("record", may === "stop" ? "record.stop" : "record.start");
    this.#show("withdraw", state.you.attendees.some((/** @type {any} */ one) => one.answer === "yes"));
    this.#show("agree", state.you.attendees.some((/** @type {any} */ one) => one.answer !== "yes"));
    for (const key of this.#all("rest")) /** @type {HTMLButtonElement} */ (key).disabled = state.sitting.rest_s !== null;
  }

  async #press(/** @type {HTMLElement} */ key) {
    const act = key.dataset.act ?? "";
    const button = /** @type {HTMLButtonElement} */ (key);
    button.disabled = true;
    try {
      await this.#do(act);
    } catch (failure) {
      this.#tell(failure);
    } finally {
      button.disabled = false;
      if (act !== "leave") void this.live.refresh();
    }
  }

  async #do(/** @type {string} */ act) {
    if (act === "microphone" || act === "camera") await this.room?.setOn(act, !(this.own.wanted(act) && this.own.track(act)));
    if (act === "share") this.sharing = Boolean(await this.room?.share(!this.sharing));
    if (act === "share") this.#pressed("share", this.sharing);
    if (act === "hand") await this.acts.do("hand", { up: !this.state?.you.hand });
    if (act === "cannot_hear") await this.acts.do("cannot_hear");
    if (act === "rest" || act === "go_on" || act === "end") await this.acts.do(act);
    if (act === "lock") await this.acts.do(this.state?.sitting.locked ? "unlock" : "lock");
    if (act === "record") await this.acts.do(this.state?.recording.may === "stop" ? "stop_recording" : "start_recording");
    if (act === "withdraw") await this.#answerAll("no");
    if (act === "agree") await this.#answerAll("yes");
    if (act === "leave") await this.page.leave();
  }

  /** Whoever holds the device withdraws for all at it: one "no" is enough to stop. A "yes" counts for one alone. */
  async #answerAll(/** @type {string} */ answer) {
    const own = this.state.you.attendees;
    const asked = answer === "no" ? own.filter((/** @type {any} */ one) => one.answer === "yes") : own;
    if (answer === "yes" && own.length > 1) return void location.assign(`${this.root.dataset.root}/consent?n=0`);
    for (const one of asked) await this.acts.do("answer", { attendee: one.id, version: this.state.recording.version, answer });
  }

  #drawOwn() {
    for (const source of /** @type {const} */ (["microphone", "camera"])) {
      const on = this.own.wanted(source) && Boolean(this.own.track(source));
      this.#label(source, `${source}.${on ? "turn-off" : "turn-on"}`);
      for (const key of this.#all(source)) key.classList.toggle("ss-key--off", !on && key.classList.contains("ss-key"));
    }
    this.sharing = Boolean(this.room?.isSharing);
    this.#pressed("share", this.sharing);
  }

  #choosing() {
    const refill = async () => {
      for (const select of this.root.querySelectorAll("select[data-choose]")) {
        const kind = /** @type {HTMLSelectElement} */ (select).dataset.choose ?? "";
        fillDevices(/** @type {HTMLSelectElement} */ (select), await this.own.devices(kind), this.own.current(kind), this.words(`${kind}.nameless`));
      }
    };
    this.root.addEventListener("opened", () => void refill());
    this.own.addEventListener("devices", () => void refill());
    for (const element of this.root.querySelectorAll("select[data-choose]")) {
      const select = /** @type {HTMLSelectElement} */ (element);
      select.addEventListener("change", () => void this.own.choose(select.dataset.choose, select.value));
    }
  }

  #tell(/** @type {any} */ failure) {
    this.page.news.said(failure.message || this.words("failed"));
  }

  #all(/** @type {string} */ act) {
    return /** @type {HTMLElement[]} */ ([...this.root.querySelectorAll(`[data-act='${act}']`)]);
  }

  #pressed(/** @type {string} */ act, /** @type {boolean} */ on) {
    for (const key of this.#all(act)) key.setAttribute("aria-pressed", String(on));
  }

  #label(/** @type {string} */ act, /** @type {string} */ word) {
    for (const key of this.#all(act)) {
      const place = key.querySelector("span");
      if (place) place.textContent = this.words(word);
    }
  }

  #show(/** @type {string} */ act, /** @type {boolean} */ shown) {
    for (const key of this.#all(act)) key.hidden = !shown;
  }
}
