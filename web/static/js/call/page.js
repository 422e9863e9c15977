/**
 * The whole page of a seat: device check → lobby → call, in one document. It only connects the parts:
 * our devices (own-media), the application's view (live-state), the media room (media-room) and what is drawn.
 */
import DeviceCheck from "../join/device-check.js";
import { OwnMedia } from "../join/own-media.js";
import Lobby from "../join/lobby.js";
import { Acts } from "./acts.js";
import Announcer from "./announcer.js";
import Board from "./board.js";
import Chat from "./chat.js";
import CallClock from "./call-clock.js";
import Inviting from "./inviting.js";
import Keys from "./keys.js";
import { LiveState } from "./live-state.js";
import { MediaRoom } from "./media-room.js";
import News from "./news.js";
import { OneTab } from "./one-tab.js";
import OwnAnswer from "./own-answer.js";
import Panel from "./panel.js";
import Recording from "./recording.js";
import Sheets from "./sheets.js";
import Stage from "./stage.js";
import { wordsOf } from "./words.js";

const HEARTBEAT_MS = 10_000;
const NOT_YET = new Set(["room-not-ready", "capture-open", "node-unreachable", "web.unavailable"]);

/** @param {HTMLElement} root */
export default function page(root) {
  new Page(root).start();
}

class Page {
  /** @param {HTMLElement} root */
  constructor(root) {
    this.root = root;
    this.words = wordsOf(root);
    this.seat = root.dataset.seat ?? "";
    this.tab = newTab();
    this.acts = new Acts(root.dataset.root ?? "");
    this.own = new OwnMedia((root.dataset.publishes ?? "").split(" "));
    this.live = new LiveState(this.acts);
    this.oneTab = new OneTab(this.seat);
    this.room = null;
    this.loading = null;
    this.beat = 0;
    this.ready = false;
    this.arrived = false;
    this.unclaimed = false;
    this.mark = `seat-${this.seat}`;
    /** @type {"check"|"lobby"|"call"|"over"|""} */
    this.shown = "";
    this.#build();
  }

  start() {
    this.live.addEventListener("state", (event) => this.#stateCame(/** @type {CustomEvent} */ (event).detail.state));
    this.live.addEventListener("refused", (event) => this.#refused({ ...(/** @type {CustomEvent} */ (event).detail), final: true }));
    this.live.addEventListener("reach", (event) => this.#reached(/** @type {CustomEvent} */ (event).detail.online));
    this.oneTab.addEventListener("taken", () => this.#elsewhere());
    this.oneTab.take();
    this.live.start();
    void this.#begin();
  }

  /** Whoever was through the check before (a reload), or has nothing to check, goes straight on. */
  async #begin() {
    const skip = sessionStorage.getItem(this.mark) === "checked" || !this.own.wantsAnything;
    if (!skip) this.#show("check");
    await this.own.open();
    this.check.opened();
    void this.#loadLibrary().catch(() => undefined); // asked for again when it is needed
    if (skip) await this.#checked();
  }

  #build() {
    const parts = { root: this.root, words: this.words, acts: this.acts, own: this.own, live: this.live, seat: this.seat };
    this.announcer = new Announcer(this.part("announcer"), this.words);
    this.check = new DeviceCheck(this.part("check"), { own: this.own, words: this.words, done: () => void this.#checked() });
    this.lobby = new Lobby(this.part("lobby"), { ...parts, back: () => this.#backToCheck() });
    this.stage = new Stage(this.part("stage"), parts);
    this.news = new News(this.part("call"), parts);
    this.sheets = new Sheets(this.part("call"));
    this.keys = new Keys(this.root, { ...parts, page: this });
    this.views = [
      this.lobby, this.stage, this.news, this.keys,
      new Recording(this.root, this.announcer), new CallClock(this.part("call")), new OwnAnswer(this.root, parts),
      new Panel(this.part("call"), { ...parts, sheets: this.sheets }), new Chat(this.part("call"), { ...parts, news: this.news }),
      new Board(this.part("call"), { ...parts, sheets: this.sheets }), new Inviting(this.part("call"), parts), this.announcer,
    ];
    for (const button of this.root.querySelectorAll("[data-over='again']")) button.addEventListener("click", () => this.#again());
  }

  part(/** @type {string} */ name) {
    return /** @type {HTMLElement} */ (this.root.querySelector(`[data-part='${name}']`));
  }

  /** The person leaves by their own wish; the seat is kept for a while. */
  async leave() {
    this.room?.leave();
    this.#stopBeating();
    await this.acts.do("leave").catch(() => undefined);
    this.#over({ code: "left" });
  }

  /** Devices are as they shall be: claim the seat for this page, then follow what the application says. */
  async #checked() {
    this.ready = true;
    sessionStorage.setItem(this.mark, "checked");
    if (this.live.state?.stage === "call") return this.#straightIn();
    this.#show("lobby");
    await this.#claim("arrive");
    this.#beatOn();
    this.arrived = true;
    await this.live.refresh();
  }

  /** Whoever is admitted already claims the seat with the very question for the token: one journey less before the picture. */
  async #straightIn() {
    this.unclaimed = this.arrived = true;
    this.#beatOn();
    await this.#enter();
  }

  #beatOn() {
    this.#stopBeating();
    if (this.shown !== "over") this.beat = setInterval(() => void this.#claim(this.unclaimed ? "arrive" : "heartbeat"), HEARTBEAT_MS);
  }

  #backToCheck() {
    this.ready = this.arrived = false;
    sessionStorage.removeItem(this.mark);
    this.#stopBeating();
    void this.acts.do("leave").catch(() => undefined);
    this.#show("check");
  }

  async #claim(/** @type {"arrive"|"heartbeat"} */ act) {
    try {
      await this.acts.do(act, { tab: this.tab });
      this.unclaimed = false;
    } catch (failure) {
      this.#refused(/** @type {any} */ (failure));
    }
  }

  #stopBeating() {
    clearInterval(this.beat);
  }

  #stateCame(/** @type {any} */ state) {
    if (this.shown === "over") return;
    for (const view of this.views) view.draw(state);
    if (state.stage === "over") return this.#over(state.over);
    if (!this.ready || !this.arrived) return;
    if (state.stage === "call") return void this.#enter();
    if (this.shown === "call") this.room?.leave();
    if (this.shown !== "lobby") this.#show("lobby");
  }

  async #enter() {
    if (this.shown === "call" && this.room && this.room.place !== "over") return;
    this.#show("call");
    const livekit = await this.#loadLibrary();
    if (this.shown !== "call") return;
    if (!this.room) this.#makeRoom(livekit);
    this.room?.enter();
  }

  #makeRoom(/** @type {any} */ livekit) {
    this.room = new MediaRoom({ livekit, own: this.own, fetchEntry: () => this.#entry() });
    for (const view of [this.stage, this.news, this.keys, this.announcer]) view.follow(this.room);
    this.room.addEventListener("place", (event) => this.#placeChanged(/** @type {CustomEvent} */ (event).detail));
  }

  /** The room may still be in the making, or a recording on its way to a stop: that is no refusal. */
  async #entry() {
    try {
      const entry = await this.acts.do("entry", { tab: this.tab, claim: this.unclaimed });
      this.unclaimed = false;
      return entry;
    } catch (failure) {
      const problem = /** @type {any} */ (failure);
      if (NOT_YET.has(problem.code)) problem.final = false;
      throw problem;
    }
  }

  #placeChanged(/** @type {{place: string, cause: string}} */ { place, cause }) {
    this.root.dataset.place = place;
    if (place === "elsewhere" || cause === "tab-superseded") this.#elsewhere();
    else if (place === "over") void this.live.refresh();
  }

  /** The library is fetched while one waits, so that being let in is immediate. */
  #loadLibrary() {
    this.loading ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = this.root.dataset.livekit ?? "";
      script.addEventListener("load", () => resolve(/** @type {any} */ (globalThis).LivekitClient));
      script.addEventListener("error", () => {
        this.loading = null;
        reject(new Error("the call library could not be loaded"));
      });
      document.head.append(script);
    });
    return this.loading;
  }

  #refused(/** @type {any} */ problem) {
    if (problem.code === "tab-superseded") this.#elsewhere();
    else if (problem.final) this.#over(problem);
  }

  #elsewhere() {
    this.room?.happened("replaced");
    this.#over({ code: "elsewhere" });
  }

  #over(/** @type {{code: string, title?: string, message?: string, text?: string}} */ { code, title, message, text }) {
    if (this.shown === "over") return;
    this.#stopBeating();
    this.live.stop();
    this.room?.happened("closed");
    this.#sayWhy(code, title, text ?? message);
    this.own.close();
    this.#show("over");
  }

  #sayWhy(/** @type {string} */ code, /** @type {string|undefined} */ title, /** @type {string|undefined} */ text) {
    const part = this.part("over");
    const known = (/** @type {string} */ what) => (this.words.has(`over.${code}.${what}`) ? this.words(`over.${code}.${what}`) : "");
    const again = /** @type {HTMLButtonElement} */ (part.querySelector("[data-over='again']"));
    this.#put(part, "title", title || known("title") || this.words("over.title"));
    this.#put(part, "text", text || known("text"));
    again.textContent = known("again");
    again.hidden = !again.textContent;
  }

  /** Take the seat again: after leaving by mistake, or back from another tab. */
  #again() {
    location.reload();
  }

  #reached(/** @type {boolean} */ online) {
    this.lobby.reached(online);
    this.news.reached(online);
  }

  #put(/** @type {HTMLElement} */ part, /** @type {string} */ name, /** @type {string} */ text) {
    const element = part.querySelector(`[data-over='${name}']`);
    if (element) element.textContent = text;
  }

  /** One stage at a time; the focus goes to its heading, so that a screen reader says where one is. */
  #show(/** @type {"check"|"lobby"|"call"|"over"} */ name) {
    if (this.shown === name) return;
    const first = this.shown === "";
    this.shown = name;
    this.root.dataset.shown = name;
    for (const each of ["check", "lobby", "over", "call"]) this.part(each).hidden = each !== name;
    /** @type {HTMLElement} */ (this.root.querySelector("[data-stage='check']")).hidden = name === "call";
    if (name === "check") this.check.show();
    const heading = /** @type {HTMLElement|null} */ (this.part(name).querySelector("h1"));
    if (!first) heading?.focus({ preventScroll: true });
    globalThis.scrollTo?.(0, 0);
  }
}

/** A name for this page's visit: the server takes the newest, so an older tab of the same seat lets go. */
function newTab() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
