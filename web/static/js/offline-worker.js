/**
 * Service worker: when a page cannot be reached at all, the kept page says so and what to do. It answers nothing else from
 * its store but that page's own style and icons: pages are private and always come from the server.
 */
/* global self, caches, fetch */
const STORE = `offline-${self.VERSION}`;

self.addEventListener("install", (event) => {
  event.waitUntil(
    caches
      .open(STORE)
      .then((store) => store.addAll(["/offline", ...self.KEPT]))
      .then(() => self.skipWaiting()),
  );
});

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== STORE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match("/offline")));
  } else if (self.KEPT.includes(new URL(request.url).pathname)) {
    event.respondWith(caches.match(request.url).then((kept) => kept ?? fetch(request)));
  }
});
