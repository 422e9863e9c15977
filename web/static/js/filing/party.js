/**
 * Shows of a party's groups (person, organisation, guardian) only those that its choices ask for. Without script all are shown.
 * A hidden group is disabled, so that what was typed before the choice changed is not filed.
 * @param {HTMLElement} card
 */
export default function party(card) {
  const groups = /** @type {NodeListOf<HTMLFieldSetElement>} */ (card.querySelectorAll("[data-when]"));
  const value = (/** @type {string} */ name) => {
    const fields = /** @type {NodeListOf<HTMLInputElement | HTMLSelectElement>} */ (card.querySelectorAll(`[name$="-${name}"]`));
    const chosen = [...fields].find((field) => field instanceof HTMLSelectElement || field.checked);
    return chosen && !chosen.closest("fieldset[data-when]:disabled") ? chosen.value : "";
  };
  const show = () => {
    for (const group of groups) {
      const fits = (group.dataset.is ?? "").split(" ").includes(value(group.dataset.when ?? ""));
      group.hidden = !fits;
      group.disabled = !fits;
    }
  };
  card.addEventListener("change", show);
  show();
}
