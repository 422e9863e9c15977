/**
 * Our own requests to the application: JSON in, JSON out, one kind of failure. No DOM.
 */

export class ActError extends Error {
  /** @param {{code: string, message: string, status: number}} problem */
  constructor({ code, message, status }) {
    super(message);
    this.code = code;
    this.status = status;
    /** The application answered and said no: trying again by itself is useless. */
    this.final = status >= 400 && status < 500;
  }
}

export class Acts {
  /** @param {string} root such as /seats/abc */
  constructor(root) {
    this.root = root;
  }

  /** @param {string} act @param {object} [body] */
  async do(act, body = {}) {
    return this.#ask(`${this.root}/acts/${act}`, {
      method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" },
    });
  }

  async state() {
    return this.#ask(`${this.root}/state`, { cache: "no-store" });
  }

  async #ask(/** @type {string} */ address, /** @type {RequestInit} */ init) {
    const headers = { Accept: "application/json", ...init.headers };
    const answer = await fetch(address, { credentials: "same-origin", ...init, headers });
    const body = await answer.json().catch(() => ({}));
    if (answer.ok) return body;
    throw new ActError({ code: body.code ?? "unknown", message: body.message ?? "", status: answer.status });
  }
}
