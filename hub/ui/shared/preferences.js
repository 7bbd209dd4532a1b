/** How this person likes the page: the size of letters. Kept on the phone. */
import { ref, watchEffect } from "vue";

const KEPT = "fillonce.large";

export const isLarge = ref(localStorage.getItem(KEPT) === "yes");

watchEffect(() => {
  localStorage.setItem(KEPT, isLarge.value ? "yes" : "no");
  document.documentElement.classList.toggle("large", isLarge.value);
});
