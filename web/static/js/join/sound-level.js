/** How loud a microphone is, as a number between 0 and 1. No DOM. */

export class SoundLevel {
  /** @param {MediaStreamTrack} track */
  constructor(track) {
    this.context = new AudioContext();
    this.analyser = this.context.createAnalyser();
    this.analyser.fftSize = 1024;
    this.source = this.context.createMediaStreamSource(new MediaStream([track]));
    this.source.connect(this.analyser);
    this.samples = new Float32Array(this.analyser.fftSize);
  }

  /** Loudness now: −50 dBFS and below is 0, −10 dBFS and above is 1. */
  now() {
    this.analyser.getFloatTimeDomainData(this.samples);
    let sum = 0;
    for (const sample of this.samples) sum += sample * sample;
    const decibels = 10 * Math.log10(sum / this.samples.length + 1e-12);
    return Math.min(1, Math.max(0, (decibels + 50) / 40));
  }

  /** Browsers start audio only after a tap; harmless when it runs already. */
  async wake() {
    if (this.context.state === "suspended") await this.context.resume();
  }

  close() {
    this.source.disconnect();
    void this.context.close();
  }
}
