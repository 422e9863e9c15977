/**
 * The six-digit field: keeps digits only (also full-width ones from a Chinese keyboard) and shows which cell is next.
 * @param {HTMLElement} field
 */
export default function codeField(field) {
  const input = /** @type {HTMLInputElement} */ (field.querySelector("input"));
  const cells = [...field.querySelectorAll(".ss-code__cells i")];
  const draw = () => {
    const digits = input.value.normalize("NFKC").replace(/\D/g, "").slice(0, cells.length);
    if (digits !== input.value) input.value = digits;
    cells.forEach((cell, at) => cell.classList.toggle("ss-is-now", at === Math.min(digits.length, cells.length - 1)));
    input.scrollLeft = 0;
  };
  input.addEventListener("input", draw);
  input.addEventListener("focus", draw);
  draw();
}
