/**
 * The Aa switch without leaving the page (a call goes on). Without script its form posts and comes back.
 * @param {HTMLFormElement} form
 */
export default function textSize(form) {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button"));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const large = button.value === "large";
    document.documentElement.classList.toggle("ss-text-large", large);
    button.setAttribute("aria-pressed", String(large));
    const body = new URLSearchParams({ text: button.value });
    button.value = large ? "normal" : "large";
    fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" } }).catch(() => undefined);
  });
}
