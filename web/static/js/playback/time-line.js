/**
 * The time line under the pictures: for each seat when its sound and picture were captured, and the gaps in words. Drawing only.
 */

/**
 * @param {HTMLElement} lanes
 * @param {{length_ms: number, seats: {id: string, name: string, parts: {start_ms: number, end_ms: number, kind: string}[]}[],
 *   gaps: {from_ms: number, to_ms: number, seat: string | null, text: string, kind: string}[]}} plan
 */
export function drawLanes(lanes, plan) {
  const share = (/** @type {number} */ ms) => `${(100 * ms) / Math.max(plan.length_ms, 1)}%`;
  lanes.replaceChildren();
  for (const seat of plan.seats) {
    const lane = made("div", "ss-lanes__lane");
    lane.append(made("span", "ss-lanes__name", seat.name));
    const rail = made("div", "ss-lanes__rail");
    for (const part of seat.parts) rail.append(stretch("ss-lanes__part", part.start_ms, part.end_ms, share));
    for (const gap of plan.gaps.filter((one) => one.seat === seat.id)) {
      const lost = stretch("ss-lanes__lost", gap.from_ms, gap.to_ms, share);
      lost.title = gap.text;
      rail.append(lost);
    }
    lane.append(rail);
    lanes.append(lane);
  }
  const over = made("div", "ss-lanes__over");
  for (const gap of plan.gaps.filter((one) => one.seat === null)) {
    const block = stretch(`ss-lanes__gap ss-lanes__gap--${gap.kind}`, gap.from_ms, gap.to_ms, share);
    block.append(made("span", "ss-lanes__gaptext", gap.text));
    block.title = gap.text;
    over.append(block);
  }
  const now = made("div", "ss-lanes__now");
  over.append(now);
  lanes.append(over);
  return (/** @type {number} */ positionMs) => {
    now.style.insetInlineStart = share(positionMs);
  };
}

/** @param {string} tag @param {string} className @param {string} [text] */
function made(tag, className, text = "") {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

/** @param {string} className @param {number} from @param {number} to @param {(ms: number) => string} share */
function stretch(className, from, to, share) {
  const element = made("div", className);
  element.style.insetInlineStart = share(from);
  element.style.inlineSize = share(Math.max(to - from, 0));
  return element;
}
