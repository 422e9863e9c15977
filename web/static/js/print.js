/**
 * Prints the page.
 * @param {HTMLButtonElement} button
 */
export default function printPage(button) {
  button.addEventListener("click", () => print());
}
