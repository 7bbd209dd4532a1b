/** Starts the portal and registers the service worker that lets it open without a network. */
import { createApp } from "vue";
import "./styles/vant.js";
import "./styles/tokens.css";
import "./styles/page.css";
import "./styles/form.css";
import App from "./App.vue";
import { router } from "./router.js";

createApp(App).use(router).mount("#app");

// Not offered on plain http: the portal then works, but only with a network.
if (import.meta.env.PROD && "serviceWorker" in navigator) navigator.serviceWorker.register("/sw.js", { type: "module" });
