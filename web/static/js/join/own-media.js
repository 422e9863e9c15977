/**
 * Our own camera and microphone: opened once at the device check, kept through lobby and call. No DOM.
 *
 * Events: `change` {kind} when a track was replaced; `devices` when the list of devices changed; `problem` when a track
 * could not be had or ended by itself (a phone call, an unplugged camera).
 */

/** @typedef {"camera"|"microphone"} Kind */
/** @typedef {"missing"|"refused"|"busy"|"unsupported"|"insecure"|"off"} Problem */

const PICTURE = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 15, max: 24 } };
const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const DEVICE_KIND = { camera: "videoinput", microphone: "audioinput" };

const KEPT = "shuoshi-devices";

/** @returns {{camera?: string, microphone?: string, soundOnly?: boolean}} what was chosen on an earlier visit */
function kept() {
  try {
    return JSON.parse(localStorage.getItem(KEPT) ?? "{}");
  } catch {
    return {};
  }
}

/** What the browser calls a failure, in the words the page has advice for. */
/** @type {Record<string, Problem>} */
const PROBLEMS = {
  NotFoundError: "missing",
  DevicesNotFoundError: "missing",
  OverconstrainedError: "missing",
  NotAllowedError: "refused",
  PermissionDeniedError: "refused",
  SecurityError: "refused",
  NotReadableError: "busy",
  TrackStartError: "busy",
  AbortError: "busy",
};

/**
 * Whether this browser can hold a call at all: asked of its abilities, never of its name.
 *
 * @returns {"ok"|"insecure"|"unsupported"}
 */
export function ability(/** @type {any} */ host = globalThis) {
  if (host.isSecureContext === false) return "insecure";
  const able = host.RTCPeerConnection && host.navigator?.mediaDevices?.getUserMedia && host.WebSocket;
  return able ? "ok" : "unsupported";
}

export class OwnMedia extends EventTarget {
  /** @param {string[]} sources what this seat may send ("camera", "microphone", …) */
  constructor(sources) {
    super();
    this.kept = kept();
    /** @type {Record<Kind, MediaStreamTrack|null>} */
    this.tracks = { camera: null, microphone: null };
    /** @type {Record<Kind, Problem|null>} */
    this.problems = { camera: null, microphone: null };
    /** @type {Record<Kind, string>} */
    this.chosen = { camera: this.kept.camera ?? "", microphone: this.kept.microphone ?? "" };
    /** @type {Record<Kind, boolean>} */
    this.asked = { camera: sources.includes("camera") && !this.kept.soundOnly, microphone: sources.includes("microphone") };
    if (!this.asked.camera) this.problems.camera = "off";
    if (!this.asked.microphone) this.problems.microphone = "off";
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.#tell("devices", {}));
  }

  get wantsAnything() {
    return this.asked.camera || this.asked.microphone;
  }

  track(/** @type {Kind} */ kind) {
    return this.tracks[kind];
  }

  wanted(/** @type {Kind} */ kind) {
    return this.asked[kind];
  }

  /** Constraints for opening the chosen device again: `exact`, or the browser silently takes another one. */
  constraints(/** @type {Kind} */ kind) {
    const base = kind === "camera" ? PICTURE : SOUND;
    return this.chosen[kind] ? { ...base, deviceId: { exact: this.chosen[kind] } } : base;
  }

  /** Ask for both with one question; if that fails, for each alone, so that one missing device does not cost the other. */
  async open() {
    const able = ability();
    if (able !== "ok") {
      this.problems = { camera: able, microphone: able };
      return this.#tell("problem", {});
    }
    if (!this.asked.camera || !this.asked.microphone) return this.retry();
    try {
      const stream = await navigator.mediaDevices.getUserMedia({
        audio: this.constraints("microphone"), video: this.constraints("camera"),
      });
      this.#keep("microphone", stream.getAudioTracks()[0]);
      this.#keep("camera", stream.getVideoTracks()[0]);
    } catch {
      await this.retry();
    }
  }

  /** Use another device; the old one stays if the new one cannot be opened. */
  async choose(/** @type {Kind} */ kind, /** @type {string} */ deviceId) {
    const before = this.chosen[kind];
    this.chosen[kind] = deviceId;
    if (!(await this.#openOne(kind)) && this.tracks[kind]) this.chosen[kind] = before;
    this.#remember({ [kind]: this.chosen[kind] });
  }

  /** Try again what failed before, after the person has plugged in or allowed something. */
  async retry() {
    for (const kind of /** @type {Kind[]} */ (["microphone", "camera"])) {
      if (this.asked[kind] && !this.tracks[kind]) await this.#openOne(kind);
    }
  }

  /**
   * The person's own wish. A camera not wanted is let go at once; a microphone stays open, so that it is back in an instant.
   */
  async want(/** @type {Kind} */ kind, /** @type {boolean} */ on) {
    this.asked[kind] = on;
    if (kind === "camera") this.#remember({ soundOnly: !on });
    if (!on && kind === "camera") this.#release(kind);
    if (on && !this.tracks[kind]) await this.#openOne(kind);
  }

  async devices(/** @type {Kind} */ kind) {
    const all = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
    return all.filter((device) => device.kind === DEVICE_KIND[kind] && device.deviceId);
  }

  /** The device in use, or "" when none. */
  current(/** @type {Kind} */ kind) {
    return this.tracks[kind]?.getSettings().deviceId ?? "";
  }

  close() {
    for (const track of Object.values(this.tracks)) track?.stop();
    this.tracks = { camera: null, microphone: null };
  }

  /** The chosen device is not there any more: any other is better than none. */
  #forgetChosen(/** @type {Kind} */ kind, /** @type {Error} */ failure) {
    if (!this.chosen[kind] || PROBLEMS[failure.name] !== "missing") return false;
    this.chosen[kind] = "";
    return true;
  }

  /** Chosen once, kept for the next visit. */
  #remember(/** @type {object} */ choice) {
    this.kept = { ...this.kept, ...choice };
    localStorage.setItem(KEPT, JSON.stringify(this.kept));
  }

  #release(/** @type {Kind} */ kind) {
    this.tracks[kind]?.stop();
    this.tracks[kind] = null;
    this.problems[kind] = "off";
    this.#tell("change", { kind });
  }

  async #openOne(/** @type {Kind} */ kind) {
    try {
      const want = kind === "camera" ? { video: this.constraints(kind) } : { audio: this.constraints(kind) };
      const stream = await navigator.mediaDevices.getUserMedia(want);
      this.#keep(kind, stream.getTracks()[0]);
      return true;
    } catch (failure) {
      if (this.#forgetChosen(kind, /** @type {Error} */ (failure))) return this.#openOne(kind);
      this.problems[kind] = PROBLEMS[/** @type {Error} */ (failure).name] ?? "missing";
      this.#tell("problem", { kind });
      return false;
    }
  }

  #keep(/** @type {Kind} */ kind, /** @type {MediaStreamTrack} */ track) {
    const before = this.tracks[kind];
    this.tracks[kind] = track;
    this.problems[kind] = null;
    if (before && before !== track) before.stop();
    track.addEventListener("ended", () => void this.#lost(kind, track));
    this.#tell("change", { kind });
  }

  /** The device went away by itself: an incoming phone call, a pulled plug. Try once to get it, or another one, back. */
  async #lost(/** @type {Kind} */ kind, /** @type {MediaStreamTrack} */ track) {
    if (this.tracks[kind] !== track || !this.asked[kind]) return;
    this.tracks[kind] = null;
    this.chosen[kind] = "";
    await this.#openOne(kind);
  }

  #tell(/** @type {string} */ name, /** @type {object} */ detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
