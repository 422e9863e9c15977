/**
 * How our own line does, judged every two seconds from what the other side reports about our packets. No DOM.
 *
 * The judgement is a pure function, so that it can be read and tested; the class only samples.
 */

const SAMPLE_MS = 2000;
const TURN_AFTER = 3; // samples in a row before a judgement changes: no flicker

/** @typedef {"good"|"weak"|"bad"} Link */
/** @typedef {{lost: number, roundTripS: number}} Sample fraction of packets lost (0…1), round trip in seconds */

/**
 * What one sample says by itself. Above 12 % loss or a second of delay a picture only harms the voice.
 *
 * @param {Sample} sample
 * @returns {Link}
 */
export function judge({ lost, roundTripS }) {
  if (lost > 0.12 || roundTripS > 1) return "bad";
  if (lost > 0.04 || roundTripS > 0.4) return "weak";
  return "good";
}

export class LinkWatch {
  /** @param {(link: Link) => void} changed */
  constructor(changed) {
    this.changed = changed;
    this.timer = 0;
    /** @type {Link} */
    this.link = "good";
    /** @type {Link} */
    this.leaning = "good";
    this.count = 0;
  }

  start(/** @type {any} */ line) {
    this.stop();
    this.timer = globalThis.setInterval(() => void this.#sample(line), SAMPLE_MS);
  }

  stop() {
    clearInterval(this.timer);
    this.link = "good";
    this.count = 0;
  }

  async #sample(/** @type {any} */ line) {
    const reports = [];
    for (const publication of line.localParticipant.trackPublications.values()) {
      const stats = await publication.track?.getRTCStatsReport?.();
      stats?.forEach((/** @type {any} */ entry) => entry.type === "remote-inbound-rtp" && reports.push(entry));
    }
    if (!reports.length) return;
    this.take({
      lost: Math.max(...reports.map((entry) => entry.fractionLost ?? 0)),
      roundTripS: Math.max(...reports.map((entry) => entry.roundTripTime ?? 0)),
    });
  }

  /** One more sample; tells when the judgement turned. */
  take(/** @type {Sample} */ sample) {
    const now = judge(sample);
    this.count = now === this.leaning ? this.count + 1 : 1;
    this.leaning = now;
    if (now === this.link || this.count < TURN_AFTER) return;
    this.link = now;
    this.changed(now);
  }
}
