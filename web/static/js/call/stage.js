/** The pictures: the other person large, oneself small; the speaker or a shared screen comes forward by itself, calmly. */
import { copy } from "./people.js";

const HOLD_MS = 2500; // nobody is pushed forward by a cough
const STILL_MS = 4000; // no new frame for so long: the picture stands still

export default class Stage {
  /** @param {HTMLElement} element @param {{root: HTMLElement, words: any, own: any, seat: string}} parts */
  constructor(element, { root, words, own, seat }) {
    this.element = element;
    this.root = root;
    this.words = words;
    this.own = own;
    this.seat = seat;
    /** @type {Map<string, Tile>} by seat, and by seat + "/screen" for shared screens */
    this.tiles = new Map();
    /** @type {any[]} */
    this.people = [];
    this.present = new Set();
    this.forward = "";
    this.chosen = "";
    this.candidate = { seat: "", since: 0 };
    own.addEventListener("change", () => this.#drawOwn());
    own.addEventListener("problem", () => this.#drawOwn());
    setInterval(() => this.#watch(), 1000);
  }

  follow(/** @type {EventTarget} */ room) {
    const on = (/** @type {string} */ name, /** @type {(detail: any) => void} */ act) =>
      room.addEventListener(name, (event) => act(/** @type {CustomEvent} */ (event).detail));
    on("track", ({ seat, source, track }) => this.#track(seat, source, track));
    on("untrack", ({ seat, source, track }) => this.#untrack(seat, source, track));
    on("muted", ({ seat, source, muted }) => this.#muted(seat, source, muted));
    on("speakers", ({ seats }) => this.#speakers(seats));
    on("present", ({ seats }) => this.#here(seats));
    on("own", ({ source, on: isOn }) => this.#ownChanged(source, isOn));
  }

  draw(/** @type {any} */ state) {
    this.people = state.people;
    for (const person of this.#onStage()) this.#tile(person.seat).name(person, this.words);
    this.#arrange();
  }

  /** Those whose seat is in the room, and oneself. */
  #onStage() {
    return this.people.filter((person) => person.you || person.here === "in" || this.present.has(person.seat));
  }

  #tile(/** @type {string} */ key) {
    let tile = this.tiles.get(key);
    if (!tile) {
      tile = new Tile(copy(this.root, "seat"));
      tile.element.dataset.seat = key;
      tile.element.classList.toggle("ss-seat--own", key === this.seat);
      tile.enlarge.addEventListener("click", () => this.#choose(key));
      this.element.insertBefore(tile.element, this.tiles.get(this.seat)?.element ?? null); // oneself stands last
      this.tiles.set(key, tile);
      if (key === this.seat) this.#drawOwn();
    }
    return tile;
  }

  #choose(/** @type {string} */ key) {
    this.chosen = key;
    this.#arrange();
  }

  #track(/** @type {string} */ seat, /** @type {string} */ source, /** @type {any} */ track) {
    if (source === "microphone") return void this.#tile(seat).element.append(track.attach());
    const tile = this.#tile(source === "screen" ? `${seat}/screen` : seat);
    tile.show(track, source === "screen");
    if (source === "screen") this.#nameScreen(seat, tile);
    this.#arrange();
  }

  #nameScreen(/** @type {string} */ seat, /** @type {Tile} */ tile) {
    const person = this.people.find((each) => each.seat === seat);
    tile.name({ names: person?.names ?? "", label: this.words("seat.screen"), hand: false, you: false }, this.words);
  }

  #untrack(/** @type {string} */ seat, /** @type {string} */ source, /** @type {any} */ track) {
    for (const element of track.detach()) if (element instanceof HTMLAudioElement) element.remove();
    if (source === "microphone") return;
    if (source === "screen") this.#forget(`${seat}/screen`);
    else this.tiles.get(seat)?.dark(this.words("seat.dark"));
    this.#arrange();
  }

  #muted(/** @type {string} */ seat, /** @type {string} */ source, /** @type {boolean} */ muted) {
    const tile = this.tiles.get(seat);
    if (source === "microphone") tile?.silent(muted);
    if (source === "camera" && muted) tile?.dark(this.words("seat.off"));
    if (source === "camera" && !muted) tile?.light();
  }

  #speakers(/** @type {string[]} */ seats) {
    for (const [key, tile] of this.tiles) tile.speaking(seats.includes(key));
    const other = seats.find((seat) => seat !== this.seat) ?? "";
    if (other !== this.candidate.seat) this.candidate = { seat: other, since: Date.now() };
    this.#arrange();
  }

  #here(/** @type {string[]} */ seats) {
    this.present = new Set(seats);
    for (const key of [...this.tiles.keys()]) {
      const seat = key.split("/")[0];
      if (key.endsWith("/screen") && !this.present.has(seat)) this.#forget(key);
    }
    for (const [seat, tile] of this.tiles) {
      if (seat === this.seat || seat.endsWith("/screen")) continue;
      if (!this.present.has(seat)) tile.dark(this.words("seat.away"), true);
      else if (!tile.track) tile.dark(this.words("seat.wait"), true);
    }
    this.#arrange();
  }

  #ownChanged(/** @type {string} */ source, /** @type {boolean} */ isOn) {
    if (source === "microphone") this.#tile(this.seat).silent(!isOn);
    if (source === "camera") this.#drawOwn();
  }

  #drawOwn() {
    const tile = this.tiles.get(this.seat);
    const track = this.own.track("camera");
    if (track) tile?.mirror(track);
    else tile?.dark(this.words(this.own.problems.camera === "off" ? "seat.own-off" : "seat.own-none"));
  }

  #forget(/** @type {string} */ key) {
    this.tiles.get(key)?.element.remove();
    this.tiles.delete(key);
    if (this.chosen === key) this.chosen = "";
  }

  /** Once a second: has the speaker held the word, does a picture stand still, has somebody gone. */
  #watch() {
    for (const [key, tile] of this.tiles) if (key !== this.seat) tile.watchStill(this.words("seat.still"), STILL_MS);
    this.#arrange();
  }

  #arrange() {
    const gone = [...this.tiles.keys()].filter((key) => key !== this.seat && !key.endsWith("/screen") && !this.#belongs(key));
    gone.forEach((key) => this.#forget(key));
    const main = this.#main();
    for (const [key, tile] of this.tiles) tile.main(key === main);
    this.element.style.setProperty("--ss-columns", String(Math.min(6, Math.max(3, this.tiles.size - 1))));
  }

  #belongs(/** @type {string} */ seat) {
    return this.present.has(seat) || this.people.some((person) => person.seat === seat && person.here === "in");
  }

  /** A shared screen, else whom one chose, else who has been speaking, else who was forward, else the host, else anybody. */
  #main() {
    const keys = [...this.tiles.keys()];
    const screen = keys.find((key) => key.endsWith("/screen"));
    const others = keys.filter((key) => key !== this.seat);
    if (this.chosen && keys.includes(this.chosen)) return this.chosen;
    if (screen) return screen;
    const { seat, since } = this.candidate;
    if (others.includes(seat) && Date.now() - since >= HOLD_MS) this.forward = seat;
    if (others.includes(this.forward)) return this.forward;
    const host = this.people.find((person) => person.host && !person.you)?.seat;
    return others.find((key) => key === host) ?? others[0] ?? this.seat;
  }
}

/** One picture with its names. */
class Tile {
  constructor(/** @type {HTMLElement} */ element) {
    this.element = element;
    this.video = /** @type {HTMLVideoElement} */ (element.querySelector("video"));
    this.enlarge = /** @type {HTMLButtonElement} */ (this.at("enlarge"));
    this.track = null;
    this.frames = { seen: 0, at: Date.now() };
  }

  at(/** @type {string} */ name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-tile='${name}']`));
  }

  name(/** @type {any} */ person, /** @type {any} */ words) {
    this.#write("names", person.names);
    this.#write("role", person.you ? words("seat.you") : person.label);
    this.#write("initial", person.names.slice(0, 1));
    this.at("hand").hidden = !person.hand;
    this.video.setAttribute("aria-label", words("seat.picture", { name: person.names }));
    this.enlarge.setAttribute("aria-label", words("seat.enlarge", { name: person.names }));
  }

  show(/** @type {any} */ track, /** @type {boolean} */ whole) {
    this.track = track;
    track.attach(this.video);
    void this.video.play().catch(() => undefined);
    this.video.classList.toggle("ss-seat__video--whole", whole);
    this.frames = { seen: -1, at: Date.now() };
    this.light();
  }

  mirror(/** @type {MediaStreamTrack} */ track) {
    const shown = /** @type {MediaStream|null} */ (this.video.srcObject)?.getVideoTracks()[0];
    this.video.classList.add("ss-seat__video--mirror");
    if (shown !== track) this.video.srcObject = new MediaStream([track]);
    void this.video.play().catch(() => undefined);
    this.light();
  }

  light() {
    this.at("off").parentElement?.toggleAttribute("hidden", true);
    this.video.hidden = false;
  }

  dark(/** @type {string} */ why, wait = false) {
    const cover = /** @type {HTMLElement} */ (this.at("off").parentElement);
    cover.hidden = false;
    cover.classList.toggle("ss-seat__off--wait", wait);
    this.#write("off", why);
    this.at("hint").hidden = true;
  }

  silent(/** @type {boolean} */ isSilent) {
    this.at("silent").hidden = !isSilent;
    if (isSilent) this.speaking(false);
  }

  speaking(/** @type {boolean} */ speaks) {
    this.element.classList.toggle("ss-seat--speaking", speaks);
    this.at("speaking").hidden = !speaks;
  }

  main(/** @type {boolean} */ isMain) {
    this.element.classList.toggle("ss-seat--main", isMain);
    this.enlarge.hidden = isMain;
  }

  /** A remote picture that gets no frames any more: say so, and that the voice goes on. */
  watchStill(/** @type {string} */ hint, /** @type {number} */ afterMs) {
    const seen = this.video.getVideoPlaybackQuality?.().totalVideoFrames ?? 0;
    if (seen !== this.frames.seen) this.frames = { seen, at: Date.now() };
    const covered = !(/** @type {HTMLElement} */ (this.at("off").parentElement).hidden);
    const still = Boolean(this.track) && !covered && Date.now() - this.frames.at > afterMs;
    this.at("hint").hidden = !still;
    if (still) this.#write("hint", hint);
  }

  #write(/** @type {string} */ name, /** @type {string} */ text) {
    const place = this.at(name);
    if (place.textContent !== text) place.textContent = text;
  }
}
