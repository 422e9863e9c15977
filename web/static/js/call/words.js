/** @typedef {((name: string, values?: Record<string, string|number>) => string) & {has: (name: string) => boolean}} Words */

/** The page's own sentences, in the reader's language: the server wrote them into `data-words` of an element. */

/**
 * @param {HTMLElement} element
 * @returns {Words}
 */
export function wordsOf(element) {
  const words = JSON.parse(element.dataset.words ?? "{}");
  const say = (/** @type {string} */ name, /** @type {Record<string, string|number>} */ values = {}) => {
    const sentence = words[name];
    if (sentence === undefined) throw new Error(`the page has no words for "${name}"`);
    return sentence.replace(/\{(\w+)\}/g, (/** @type {string} */ _, /** @type {string} */ key) => String(values[key] ?? ""));
  };
  return Object.assign(say, { has: (/** @type {string} */ name) => name in words });
}

/** "4:09", "1:02:33": how long something lasts, from seconds. */
export function clock(/** @type {number} */ seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  if (parts[0] === 0) parts.shift();
  return parts.map((part, at) => (at === 0 ? String(part) : String(part).padStart(2, "0"))).join(":");
}
