/** How this person likes the page: the size of letters. Kept on the phone. */
import { ref, watchEffect } from "vue";
import { keep, kept } from "./kept.js";

const KEPT = "fillonce.large";

export const isLarge = ref(kept(KEPT) === "yes");

watchEffect(() => {
  keep(KEPT, isLarge.value ? "yes" : "no");
  document.documentElement.classList.toggle("large", isLarge.value);
});
