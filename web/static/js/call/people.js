/** A person in a list: disc, name, what they are, where they are. Used in the lobby and in the panel. */

/**
 * @param {HTMLElement} root where the page keeps its templates
 * @param {any} person one entry of `state.people`
 * @returns {HTMLElement}
 */
export function fillPerson(root, person) {
  const item = copy(root, "person");
  put(item, "initial", person.names.slice(0, 1));
  put(item, "name", person.names);
  put(item, "note", person.label);
  const badge = /** @type {HTMLElement} */ (item.querySelector("[data-person='badge']"));
  badge.textContent = person.here_text;
  badge.classList.add(person.here === "in" || person.here === "waiting" ? "ss-badge--jade" : "ss-badge--amber");
  return item;
}

/** A fresh copy of one of the page's pieces. */
export function copy(/** @type {HTMLElement} */ root, /** @type {string} */ name) {
  const template = /** @type {HTMLTemplateElement} */ (root.querySelector(`template[data-template='${name}']`));
  return /** @type {HTMLElement} */ (/** @type {Element} */ (template.content.firstElementChild).cloneNode(true));
}

export function put(/** @type {HTMLElement} */ item, /** @type {string} */ name, /** @type {string} */ text) {
  const place = item.querySelector(`[data-person='${name}']`);
  if (place) place.textContent = text;
}
