/**
 * One file of one track, kept in step with the master clock. Its element is made when its time comes near, so that a long
 * sitting with many files does not open them all.
 */
import { steer } from "./clock.js";

const NEAR_MS = 15_000;
/** A picture stands a moment before it moves: a track's first frame comes a little after the sound. */
export const EARLY_MS = 1000;
const STARVED = 3; // HTMLMediaElement.HAVE_FUTURE_DATA

export class Part {
  /**
   * @param {{url: string, kind: "video" | "audio", start_ms: number, end_ms: number, media_start_s: number}} file
   * @param {HTMLElement} place where a picture is put
   */
  constructor(file, place) {
    this.file = file;
    this.place = place;
    /** @type {HTMLMediaElement | null} */
    this.element = null;
    this.failed = false;
  }

  /** @param {number} positionMs */
  covers(positionMs) {
    return this.file.start_ms <= positionMs && positionMs < this.file.end_ms;
  }

  /**
   * @param {number} positionMs @param {boolean} playing @param {number} rate
   * @returns {boolean} false while it has nothing to show for this moment and playback should wait
   */
  follow(positionMs, playing, rate) {
    const near = this.file.start_ms - NEAR_MS <= positionMs && positionMs < this.file.end_ms + NEAR_MS;
    if (!near) return this.#drop();
    const element = this.element ?? this.#make();
    const now = this.covers(positionMs);
    this.#show(this.file.start_ms - EARLY_MS <= positionMs && positionMs < this.file.end_ms);
    if (!now || this.failed) {
      if (!element.paused) element.pause();
      return true;
    }
    return this.#keepStep(element, positionMs, playing, rate);
  }

  close() {
    this.#drop();
  }

  /** @param {HTMLMediaElement} element @param {number} positionMs @param {boolean} playing @param {number} rate */
  #keepStep(element, positionMs, playing, rate) {
    const wanted = this.file.media_start_s + (positionMs - this.file.start_ms) / 1000;
    const step = steer((element.currentTime - wanted) * 1000, rate);
    if (step.jump) {
      if (!element.seeking) element.currentTime = wanted;
    } else if (playing && element.playbackRate !== step.rate) {
      element.playbackRate = step.rate;
    }
    if (playing && element.paused && element.readyState >= 2) element.play().catch(() => undefined);
    if (!playing && !element.paused) element.pause();
    return !playing || (element.readyState >= STARVED && !element.seeking) || element.ended;
  }

  #make() {
    const element = document.createElement(this.file.kind);
    element.preload = "auto";
    element.src = this.file.url;
    if (element instanceof HTMLVideoElement) {
      element.muted = true; // sound has files of its own
      element.playsInline = true;
      element.className = "ss-video";
      element.hidden = true;
    }
    element.addEventListener("error", () => {
      this.failed = true;
      this.place.dispatchEvent(new CustomEvent("partfailed", { bubbles: true }));
    });
    this.place.append(element);
    this.element = element;
    return element;
  }

  /** @param {boolean} now */
  #show(now) {
    if (this.element instanceof HTMLVideoElement) this.element.hidden = !now;
  }

  #drop() {
    if (this.element) {
      this.element.pause();
      this.element.removeAttribute("src");
      this.element.load();
      this.element.remove();
      this.element = null;
    }
    return true;
  }
}
