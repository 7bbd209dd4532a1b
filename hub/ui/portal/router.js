/** The pages and their addresses. A Place appears by its id only: codes on doors never reach an address bar. */
import { createRouter, createWebHistory } from "vue-router";
import { onSignedOut } from "../shared/api.js";
import { account, recall } from "../shared/session.js";
import { loadPart } from "../shared/updates.js";
import Home from "./pages/Home.vue";
import NotLoaded from "./pages/NotLoaded.vue";
import SignIn from "./pages/SignIn.vue";

let going = "";
/** A page that is loaded when somebody goes there, and told of when it is not there any more. */
const page = (load) => () => loadPart(load, NotLoaded, going || location.href);

const routes = [
  { path: "/sign-in", name: "sign-in", component: SignIn, meta: { isOpen: true } },
  { path: "/", name: "home", component: Home },
  { path: "/places/:place", name: "place", component: page(() => import("./pages/PlacePage.vue")), props: true },
  { path: "/forms/:form", name: "form", component: page(() => import("./pages/FormPage.vue")), props: true },
  { path: "/places/:place/forms/:form", name: "form-at", component: page(() => import("./pages/FormPage.vue")), props: true },
  { path: "/submissions", name: "submissions", component: page(() => import("./pages/SubmissionList.vue")) },
  { path: "/submissions/:submission", name: "receipt", component: page(() => import("./pages/ReceiptPage.vue")), props: true },
  { path: "/submissions/:submission/revise", name: "revise", component: page(() => import("./pages/FormPage.vue")), props: true },
  { path: "/submissions/:submission/withdraw", name: "withdraw", component: page(() => import("./pages/WithdrawPage.vue")), props: true },
  { path: "/submissions/:submission/move", name: "move", component: page(() => import("./pages/MovePage.vue")), props: true },
  { path: "/entries", name: "entries", component: page(() => import("./pages/EntryList.vue")) },
  { path: "/entries/:delivery", name: "entry", component: page(() => import("./pages/EntryPage.vue")), props: true },
  { path: "/password", name: "password", component: page(() => import("./pages/Password.vue")) },
  { path: "/me", name: "me", component: page(() => import("./pages/Me.vue")) },
  { path: "/:rest(.*)*", redirect: "/" },
];

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
  going = to.fullPath;
  if (to.meta.isOpen) return true;
  try {
    const { must_change_password: isFirst } = await recall();
    return !isFirst || to.name === "password" ? true : { name: "password" };
  } catch (problem) {
    // Without a network the page may still open: what it needs says so itself.
    return problem.status === 0 ? true : signInTo(to.fullPath);
  }
});

onSignedOut(() => {
  account.value = null;
  const here = router.currentRoute.value;
  if (here.name && !here.meta.isOpen) router.replace(signInTo(here.fullPath));
});

const signInTo = (next) => ({ name: "sign-in", query: next === "/" ? {} : { next } });

/** Where to go after signing in: only ever a page of ours. */
export const nextAfterSignIn = (next) => (/^\/(?!\/|\\)/.test(next ?? "") ? next : "/");
