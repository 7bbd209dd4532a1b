/** The pages and their addresses. A Place appears by its id only: codes on doors never reach an address bar. */
import { createRouter, createWebHistory } from "vue-router";
import { onSignedOut } from "../shared/api.js";
import { account, recall } from "../shared/session.js";
import Home from "./pages/Home.vue";
import SignIn from "./pages/SignIn.vue";

const routes = [
  { path: "/sign-in", name: "sign-in", component: SignIn, meta: { isOpen: true } },
  { path: "/", name: "home", component: Home },
  { path: "/places/:place", name: "place", component: () => import("./pages/PlacePage.vue"), props: true },
  { path: "/forms/:form", name: "form", component: () => import("./pages/FormPage.vue"), props: true },
  { path: "/places/:place/forms/:form", name: "form-at", component: () => import("./pages/FormPage.vue"), props: true },
  { path: "/submissions", name: "submissions", component: () => import("./pages/SubmissionList.vue") },
  { path: "/submissions/:submission", name: "receipt", component: () => import("./pages/ReceiptPage.vue"), props: true },
  { path: "/submissions/:submission/revise", name: "revise", component: () => import("./pages/FormPage.vue"), props: true },
  { path: "/submissions/:submission/withdraw", name: "withdraw", component: () => import("./pages/WithdrawPage.vue"), props: true },
  { path: "/submissions/:submission/move", name: "move", component: () => import("./pages/MovePage.vue"), props: true },
  { path: "/entries", name: "entries", component: () => import("./pages/EntryList.vue") },
  { path: "/entries/:delivery", name: "entry", component: () => import("./pages/EntryPage.vue"), props: true },
  { path: "/password", name: "password", component: () => import("./pages/Password.vue") },
  { path: "/me", name: "me", component: () => import("./pages/Me.vue") },
  { path: "/:rest(.*)*", redirect: "/" },
];

export const router = createRouter({
  history: createWebHistory(),
  routes,
  scrollBehavior: (_to, _from, saved) => saved ?? { top: 0 },
});

router.beforeEach(async (to) => {
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
