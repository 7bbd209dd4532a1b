/**
 * The service worker: keeps the page's own files so that it opens without a network. It never keeps an answer of
 * /api, because phones are shared and answers hold personal data. Sending what was filled offline is not here yet:
 * it belongs behind shared/outbox.js, through which every write already goes.
 */
import { cleanupOutdatedCaches, createHandlerBoundToURL, precacheAndRoute } from "workbox-precaching";
import { NavigationRoute, registerRoute } from "workbox-routing";
import { CacheFirst } from "workbox-strategies";

const NOT_PAGES = [/^\/api\//, /^\/console/, /^\/(healthz|readyz|metrics|docs|redoc|openapi)/];

cleanupOutdatedCaches();
precacheAndRoute(self.__SHELL__);
registerRoute(new NavigationRoute(createHandlerBoundToURL("/index.html"), { denylist: NOT_PAGES }));
registerRoute(({ url }) => url.pathname.endsWith(".wasm"), new CacheFirst({ cacheName: "scanner" }));
