/**
 * Our end of the media room: drives livekit-client by the table of connection.js. No DOM.
 *
 * Events (CustomEvent, `detail` in brackets):
 *   place {place, cause}        the connection moved
 *   track {seat, source, track} a remote picture or sound began; `untrack` {seat, source, track} it ended
 *   speakers {seats}            who speaks now, loudest first
 *   muted {seat, source, muted} a remote track went silent or dark, or came back
 *   present {seats}             whose devices are connected
 *   own {source, on}            one of our own tracks began or ended
 *   sound {heldBack}            the browser wants a tap before it plays sound
 *   weak {link}                 "good", "weak" or "bad": how our own line does
 */
import { pauseBefore, step } from "./connection.js";
import { LinkWatch } from "./link-watch.js";

const CAMERA_ENCODING = { maxBitrate: 450_000, maxFramerate: 15, priority: /** @type {const} */ ("low") };
const SCREEN_ENCODING = { maxBitrate: 1_200_000, maxFramerate: 8, priority: /** @type {const} */ ("low") };
const SPEECH = { maxBitrate: 28_000, priority: /** @type {const} */ ("high") };

/** The node forgets a participant about 15 s after the line broke: mending it longer than this is in vain. */
const MENDING_LIMIT_MS = 20_000;

/** Pauses before the SDK's own attempts to mend the line; then the page takes over. */
const MENDING_MS = [0, 300, 700, 1500, 3000, 5000];
const reconnectPolicy = { nextRetryDelayInMs: (/** @type {{retryCount: number}} */ { retryCount }) => MENDING_MS[retryCount] ?? null };

/** Reasons of livekit-client after which this page must not come back by itself. */
const FINAL = { DUPLICATE_IDENTITY: "replaced", PARTICIPANT_REMOVED: "closed", ROOM_DELETED: "closed", ROOM_CLOSED: "closed" };

export class MediaRoom extends EventTarget {
  /**
   * @param {object} parts
   * @param {any} parts.livekit the LivekitClient namespace
   * @param {() => Promise<{url: string, token: string}>} parts.fetchEntry asks the application for a fresh token; rejects
   *   with `{final: true}` when this seat may not enter now
   * @param {import("../join/own-media.js").OwnMedia} parts.own
   */
  constructor({ livekit, fetchEntry, own }) {
    super();
    this.livekit = livekit;
    this.fetchEntry = fetchEntry;
    this.own = own;
    /** @type {import("./connection.js").Place} */
    this.place = "out";
    this.attempt = 0;
    this.line = null;
    this.timer = 0;
    this.published = new Map();
    this.watch = new LinkWatch((link) => this.#linkChanged(link));
    this.#followNetwork();
    own.addEventListener("change", (event) => this.#swap(/** @type {CustomEvent} */ (event).detail.kind));
  }

  enter() {
    this.happened("enter");
  }

  leave() {
    this.happened("leave");
  }

  /** @param {import("./connection.js").Happening} happening @param {string} [cause] */
  happened(happening, cause = "") {
    const next = step(this.place, happening);
    if (!next) return;
    this.place = next.place;
    this.#tell("place", { place: next.place, cause });
    for (const effect of next.effects) this.#do(effect);
  }

  /** Our microphone or camera off or on. A camera that is off is let go, so that its light goes out. */
  async setOn(/** @type {import("../join/own-media.js").Kind} */ source, /** @type {boolean} */ on) {
    if (!on) await this.published.get(source)?.mute();
    await this.own.want(source, on);
    if (on) await this.#unmute(source);
    this.#tell("own", { source, on: this.isOn(source) });
  }

  isOn(/** @type {string} */ source) {
    const publication = this.published.get(source);
    return Boolean(publication && !publication.isMuted);
  }

  /** Share the screen, or stop. Resolves to whether it is shared now; a refusal by the person is no error. */
  async share(/** @type {boolean} */ on) {
    const me = this.line?.localParticipant;
    if (!me) return false;
    const options = { simulcast: false, videoCodec: "vp8", backupCodec: false, screenShareEncoding: SCREEN_ENCODING };
    try {
      await me.setScreenShareEnabled(on, { audio: false, resolution: { width: 1280, height: 720, frameRate: 8 } }, options);
    } catch (refused) {
      if (!(refused instanceof DOMException)) throw refused;
    }
    return me.isScreenShareEnabled;
  }

  get isSharing() {
    return Boolean(this.line?.localParticipant.isScreenShareEnabled);
  }

  /** Browsers may hold sound back until a tap: call this from one. */
  async startSound() {
    await this.line?.startAudio();
  }

  get soundHeldBack() {
    return Boolean(this.line && !this.line.canPlaybackAudio);
  }

  async #unmute(/** @type {import("../join/own-media.js").Kind} */ source) {
    await this.#publish(source);
    const published = this.published.get(source);
    if (published?.isMuted && this.own.track(source)) await published.unmute();
  }

  #do(/** @type {import("./connection.js").Effect} */ effect) {
    if (effect === "connect") void this.#connect();
    if (effect === "settle") this.#settle();
    if (effect === "watch") this.timer = globalThis.setTimeout(() => this.happened("lost"), MENDING_LIMIT_MS);
    if (effect === "wait") this.#waitAndRetry();
    if (effect === "disconnect" || effect === "release") this.#drop();
  }

  #settle() {
    clearTimeout(this.timer);
    this.attempt = 0;
  }

  #waitAndRetry() {
    this.#drop();
    this.timer = globalThis.setTimeout(() => this.happened("retry"), pauseBefore(this.attempt));
    this.attempt += 1;
  }

  #drop() {
    clearTimeout(this.timer);
    this.watch.stop();
    this.published.clear();
    const line = this.line;
    this.line = null;
    line?.removeAllListeners();
    void line?.disconnect(false);
    this.#tell("present", { seats: [] });
  }

  async #connect() {
    const line = this.#newLine();
    this.line = line;
    try {
      const { url, token } = await this.fetchEntry();
      if (this.line !== line) return;
      await line.connect(url, token, { autoSubscribe: true, maxRetries: 1, peerConnectionTimeout: 12_000 });
    } catch (failure) {
      if (this.line !== line) return;
      const refusal = /** @type {{final?: boolean, code?: string}} */ (failure);
      this.happened(refusal.final ? "closed" : "lost", refusal.code ?? "");
      return;
    }
    if (this.line !== line) return void line.disconnect(false);
    this.happened("connected");
    this.#announceAll(line);
    this.watch.start(line);
    await this.#publishAll();
  }

  #newLine() {
    const line = new this.livekit.Room({
      adaptiveStream: false, // one layer is published, and a covered picture must be there at once
      dynacast: false,
      stopLocalTrackOnUnpublish: false,
      reconnectPolicy,
      publishDefaults: { simulcast: false, videoCodec: "vp8", backupCodec: false, red: false, dtx: false },
    });
    const on = this.livekit.RoomEvent;
    line.on(on.Reconnecting, () => this.happened("interrupted"));
    line.on(on.SignalReconnecting, () => this.happened("interrupted"));
    line.on(on.Reconnected, () => this.happened("resumed"));
    line.on(on.Disconnected, (/** @type {number} */ reason) => this.#ended(line, reason));
    line.on(on.ParticipantConnected, () => this.#tellPresent(line));
    line.on(on.ParticipantDisconnected, () => this.#tellPresent(line));
    line.on(on.TrackSubscribed, (track, publication, person) => this.#tellTrack("track", track, publication, person));
    line.on(on.TrackUnsubscribed, (track, publication, person) => this.#tellTrack("untrack", track, publication, person));
    line.on(on.TrackMuted, (publication, person) => this.#tellMuted(line, publication, person, true));
    line.on(on.TrackUnmuted, (publication, person) => this.#tellMuted(line, publication, person, false));
    line.on(on.ActiveSpeakersChanged, (people) => this.#tell("speakers", { seats: people.map((each) => each.identity) }));
    line.on(on.AudioPlaybackStatusChanged, () => this.#tell("sound", { heldBack: this.soundHeldBack }));
    line.on(on.LocalTrackUnpublished, (publication) => this.#tell("own", { source: sourceOf(publication), on: false }));
    line.on(on.LocalTrackPublished, (publication) => this.#tell("own", { source: sourceOf(publication), on: true }));
    return line;
  }

  #ended(/** @type {any} */ line, /** @type {number} */ reason) {
    if (this.line !== line) return;
    const name = this.livekit.DisconnectReason[reason] ?? "";
    this.happened(FINAL[name] ?? "lost", name);
  }

  async #publishAll() {
    await this.#publish("microphone"); // sound before picture: on a weak line it must not queue behind it
    await this.#publish("camera");
  }

  async #publish(/** @type {"microphone"|"camera"} */ source) {
    const line = this.line;
    const track = this.own.track(source);
    if (!line || !track || this.published.has(source)) return;
    const Local = source === "microphone" ? this.livekit.LocalAudioTrack : this.livekit.LocalVideoTrack;
    const wrapped = new Local(track, this.own.constraints(source), true); // ours: the SDK must not stop or reopen it
    const encoding = source === "microphone" ? { audioPreset: SPEECH } : { videoEncoding: CAMERA_ENCODING };
    const publication = await line.localParticipant.publishTrack(wrapped, {
      source, simulcast: false, videoCodec: "vp8", backupCodec: false, degradationPreference: "balanced", ...encoding,
    });
    if (this.line === line) this.published.set(source, publication.track);
    if (!this.own.wanted(source)) await publication.mute();
    this.#tell("own", { source, on: this.isOn(source) });
  }

  /** Another device was chosen, or the old one came back from a phone call. */
  async #swap(/** @type {import("../join/own-media.js").Kind} */ source) {
    const published = this.published.get(source);
    const track = this.own.track(source);
    if (!track || !this.line) return;
    if (published) await published.replaceTrack(track, true);
    if (this.own.wanted(source)) await this.#unmute(source);
  }

  /** Whoever was already there: their tracks come by themselves, their mute states do not. */
  #announceAll(/** @type {any} */ line) {
    this.#tellPresent(line);
    for (const person of line.remoteParticipants.values()) {
      for (const publication of person.trackPublications.values()) {
        this.#tellMuted(line, publication, person, publication.isMuted);
      }
    }
  }

  #tellPresent(/** @type {any} */ line) {
    if (this.line === line) this.#tell("present", { seats: [...line.remoteParticipants.keys()] });
  }

  #tellTrack(/** @type {string} */ name, /** @type {any} */ track, /** @type {any} */ publication, /** @type {any} */ person) {
    this.#tell(name, { seat: person.identity, source: sourceOf(publication), track });
    if (name === "track") this.#tell("muted", { seat: person.identity, source: sourceOf(publication), muted: publication.isMuted });
  }

  #tellMuted(/** @type {any} */ line, /** @type {any} */ publication, /** @type {any} */ person, /** @type {boolean} */ muted) {
    const source = sourceOf(publication);
    if (person === line.localParticipant) this.#ownMuted(source, muted);
    else this.#tell("muted", { seat: person.identity, source, muted });
  }

  /** Also the host mutes us: then a reconnect must not open the microphone again. */
  #ownMuted(/** @type {string} */ source, /** @type {boolean} */ muted) {
    if (source === "microphone" && muted) void this.own.want("microphone", false);
    this.#tell("own", { source, on: !muted });
  }

  /** On a bad line our own picture stops for a while, so that the voice gets through. */
  #linkChanged(/** @type {"good"|"weak"|"bad"} */ link) {
    const camera = this.published.get("camera");
    if (link === "bad") void camera?.pauseUpstream();
    if (link === "good") void camera?.resumeUpstream();
    this.#tell("weak", { link });
  }

  #followNetwork() {
    globalThis.addEventListener?.("online", () => {
      this.attempt = 0;
      if (this.place !== "away") return;
      clearTimeout(this.timer);
      this.happened("retry");
    });
  }

  #tell(/** @type {string} */ name, /** @type {object} */ detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

/** LiveKit's source of a publication in our words: "camera", "microphone" or "screen". */
function sourceOf(/** @type {any} */ publication) {
  return publication.source === "screen_share" ? "screen" : publication.source;
}
