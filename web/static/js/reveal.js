/**
 * "Show password": a button that exists only where scripts do.
 * @param {HTMLElement} place
 */
export default function reveal(place) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(place.dataset.field ?? ""));
  const button = document.createElement("button");
  button.type = "button";
  button.className = "ss-btn ss-btn--quiet ss-btn--start";
  button.setAttribute("aria-pressed", "false");
  button.textContent = place.dataset.show ?? "";
  button.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    button.setAttribute("aria-pressed", String(shown));
    button.textContent = (shown ? place.dataset.hide : place.dataset.show) ?? "";
  });
  place.append(button);
}
