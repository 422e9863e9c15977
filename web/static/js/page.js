/**
 * Starts the component of every element that names one: <div data-module="live"> loads ./live.js and calls its default export
 * with the element. A component that fails does not take the others along; the page works without any of them.
 */

/** @param {ParentNode} root */
export function start(root) {
  for (const element of root.querySelectorAll("[data-module]")) {
    const name = /** @type {HTMLElement} */ (element).dataset.module ?? "";
    if (!/^[a-z0-9/-]+$/.test(name) || element.hasAttribute("data-started")) continue;
    element.setAttribute("data-started", "");
    import(`./${name}.js`)
      .then((module) => module.default(element))
      .then(() => element.setAttribute("data-ready", ""))
      .catch((error) => console.error("component failed", name, error));
  }
}

start(document);

if ("serviceWorker" in navigator && self.isSecureContext) {
  navigator.serviceWorker.register("/offline-worker.js").catch(() => undefined); // private windows refuse; nothing is lost
}
