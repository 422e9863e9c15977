/**
 * Copies the text of an element and says so on the button, which is also read aloud.
 * @param {HTMLButtonElement} button
 */
export default function copy(button) {
  const label = /** @type {HTMLElement} */ (button.querySelector("span"));
  const before = label.textContent;
  label.setAttribute("role", "status");
  button.addEventListener("click", async () => {
    const from = /** @type {HTMLElement} */ (document.getElementById(button.dataset.from ?? ""));
    try {
      await navigator.clipboard.writeText(from.textContent ?? "");
      label.textContent = button.dataset.done ?? "";
      setTimeout(() => (label.textContent = before), 3000);
    } catch {
      getSelection()?.selectAllChildren(from); // no clipboard without HTTPS: the text is marked, ready for Ctrl-C
    }
  });
}
