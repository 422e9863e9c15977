/**
 * Moves the focus to what a reader must hear first: the summary of errors after a form came back.
 * @param {HTMLElement} element
 */
export default function focusHere(element) {
  element.focus();
}
