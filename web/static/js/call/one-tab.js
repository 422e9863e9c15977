/**
 * One seat, one page: the newest page of this browser wins and the old one hears of it. No DOM.
 *
 * In the call itself the media node does the same between devices (duplicate identity); this covers the lobby, where no
 * media connection exists yet.
 */
export class OneTab extends EventTarget {
  /** @param {string} seat */
  constructor(seat) {
    super();
    this.channel = "BroadcastChannel" in globalThis ? new BroadcastChannel(`seat-${seat}`) : null;
    this.channel?.addEventListener("message", () => this.dispatchEvent(new CustomEvent("taken")));
  }

  /** This page takes the seat; every other page of the browser lets go. */
  take() {
    this.channel?.postMessage("taken");
  }
}
