/** The device check: one's own picture, a moving bar, the choice of devices, advice in plain words. */
import { SoundLevel } from "./sound-level.js";

const HEARD = 0.22; // of the bar: louder than a quiet room
const SLOW_MS = 900; // an answer of our own server taking longer than this will make a picture stutter

export default class DeviceCheck {
  /**
   * @param {HTMLElement} element
   * @param {{own: import("./own-media.js").OwnMedia, words: any, done: () => void}} parts
   */
  constructor(element, { own, words, done }) {
    this.element = element;
    this.own = own;
    this.words = words;
    this.level = null;
    this.heard = false;
    this.frame = 0;
    this.bars = [...element.querySelectorAll(".ss-levels__bar")];
    this.mirror = /** @type {HTMLVideoElement} */ (this.at("mirror"));
    own.addEventListener("change", () => void this.draw());
    own.addEventListener("problem", () => void this.draw());
    own.addEventListener("devices", () => void this.#listDevices());
    this.at("again").addEventListener("click", () => void own.retry());
    this.at("ready").addEventListener("click", () => this.#finish(done));
    this.#choosing();
  }

  at(/** @type {string} */ name) {
    return /** @type {HTMLElement} */ (this.element.querySelector(`[data-check='${name}']`));
  }

  show() {
    void this.draw();
    this.#measureNetwork();
  }

  /** The question about camera and microphone was answered, whatever the answer; without a capable browser there is no way on. */
  opened() {
    const able = !["unsupported", "insecure"].includes(this.own.problems.microphone ?? "");
    /** @type {HTMLButtonElement} */ (this.at("ready")).disabled = !able;
  }

  async draw() {
    this.#drawPicture();
    this.#drawSound();
    this.#drawAdvice();
    await this.#listDevices();
  }

  #drawPicture() {
    const track = this.own.track("camera");
    const problem = this.own.problems.camera;
    if (track || problem) this.at("asking").hidden = true;
    if (track && this.#shownTrack() !== track) {
      this.mirror.srcObject = new MediaStream([track]);
      void this.mirror.play().catch(() => undefined); // in-app browsers draw nothing until asked again
    }
    if (!track) this.mirror.srcObject = null;
    this.at("dark").hidden = Boolean(track);
    this.at("dark-text").textContent = this.words(problem === "off" ? "dark.off" : problem ? "dark.none" : "dark.wait");
    this.#tick("camera", track ? "good" : problem && problem !== "off" ? "bad" : "", track ? "camera.good" : problem === "off" ? "camera.off" : problem ? "camera.none" : "camera.wait");
  }

  #shownTrack() {
    return /** @type {MediaStream|null} */ (this.mirror.srcObject)?.getVideoTracks()[0];
  }

  #drawSound() {
    const track = this.own.track("microphone");
    if (track && this.listening !== track) this.#listen(track);
    if (!track) this.#deaf();
    const problem = this.own.problems.microphone;
    this.#tick("microphone", this.heard ? "good" : problem ? "bad" : "", this.heard ? "microphone.good" : problem ? "microphone.none" : "microphone.wait");
  }

  #listen(/** @type {MediaStreamTrack} */ track) {
    this.#deaf();
    this.listening = track;
    this.level = new SoundLevel(track);
    const step = () => {
      this.frame = requestAnimationFrame(step);
      this.#move(this.level?.now() ?? 0);
    };
    step();
    document.addEventListener("pointerdown", () => void this.level?.wake(), { once: true });
  }

  #move(/** @type {number} */ level) {
    const lit = Math.round(level * this.bars.length);
    if (lit !== this.lit) this.bars.forEach((bar, at) => bar.classList.toggle("ss-is-on", at < lit));
    this.lit = lit;
    if (level < HEARD || this.heard) return;
    this.heard = true;
    this.#drawSound();
  }

  #deaf() {
    cancelAnimationFrame(this.frame);
    this.level?.close();
    this.level = null;
    this.listening = null;
    this.heard = false;
  }

  #tick(/** @type {string} */ kind, /** @type {string} */ how, /** @type {string} */ word) {
    const item = this.at(`${kind}-tick`);
    item.className = how ? `ss-is-${how}` : "";
    /** @type {HTMLElement} */ (item.querySelector("span")).textContent = this.words(word);
  }

  /** The worst problem first; one thing to do. */
  #drawAdvice() {
    const { camera, microphone } = this.own.problems;
    const both = camera && microphone && camera === microphone;
    const kind = both ? "both" : microphone ? "microphone" : camera && camera !== "off" ? "camera" : "";
    this.at("advice").hidden = !kind;
    if (!kind) return;
    const problem = kind === "camera" ? camera : microphone;
    const whole = problem === "unsupported" || problem === "insecure" ? problem : `${kind}.${problem}`;
    this.at("advice-title").textContent = this.words(`advice.${whole}.title`);
    this.at("advice-text").textContent = this.words(`advice.${whole}.text`);
    this.at("again").hidden = whole === problem;
  }

  async #listDevices() {
    for (const kind of /** @type {const} */ (["camera", "microphone"])) {
      const select = /** @type {HTMLSelectElement} */ (this.at(`${kind}-choice`));
      fillDevices(select, await this.own.devices(kind), this.own.current(kind), this.words(`${kind}.nameless`));
    }
  }

  #choosing() {
    for (const kind of /** @type {const} */ (["camera", "microphone"])) {
      const select = /** @type {HTMLSelectElement} */ (this.at(`${kind}-choice`));
      select.addEventListener("change", () => void this.own.choose(kind, select.value));
    }
    const soundOnly = /** @type {HTMLInputElement} */ (this.at("sound-only"));
    soundOnly.addEventListener("change", () => void this.own.want("camera", !soundOnly.checked));
  }

  #measureNetwork() {
    const began = performance.now();
    fetch(`${location.pathname.replace(/\/room$/, "")}/state`, { cache: "no-store", headers: { Accept: "application/json" } })
      .then(() => (this.at("slow").hidden = performance.now() - began < SLOW_MS))
      .catch(() => (this.at("slow").hidden = false));
  }

  #finish(/** @type {() => void} */ done) {
    cancelAnimationFrame(this.frame);
    this.level?.close();
    this.level = null;
    this.listening = null;
    this.mirror.srcObject = null;
    done();
  }
}

/** Fill a <select> with devices, keeping the one in use chosen. Browsers hide names until access was given. */
export function fillDevices(
  /** @type {HTMLSelectElement} */ select, /** @type {MediaDeviceInfo[]} */ devices, /** @type {string} */ current, /** @type {string} */ nameless,
) {
  select.replaceChildren(...devices.map((device, at) => {
    const option = document.createElement("option");
    option.value = device.deviceId;
    option.textContent = device.label || `${nameless} ${at + 1}`;
    option.selected = device.deviceId === current;
    return option;
  }));
  select.disabled = devices.length < 2;
}
