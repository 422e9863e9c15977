/**
 * Loads the page again that could not be reached.
 * @param {HTMLElement} link
 */
export default function reload(link) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    location.reload();
  });
}
