"use strict";
// Tables whose heads sort by their column: the first click with the largest number, or the first name, above.
judgebench.sortable = (() => {
  const { el } = judgebench;
  const OTHER = { ascending: "descending", descending: "ascending" };

  // A cell's value: what the page says it is, or else the first number in its text.
  function valueOf(row, at, numeric) {
    const { dataset, textContent } = row.cells[at];
    if (!numeric) return textContent.trim() || null;
    const found = dataset.value ?? textContent.replaceAll(",", "").match(/[-+]?\d+(\.\d+)?(e[-+]?\d+)?/)?.[0];
    return found === undefined ? null : Number(found);
  }

  // What has no value comes last, whichever way; equals stay in the order in which the page was made.
  function sort(table, at, way) {
    const heads = [...table.tHead.rows[0].cells];
    const numeric = heads[at].matches(".number, .score");
    const sign = way === "ascending" ? 1 : -1;
    const rows = [...table.tBodies[0].rows].sort((one, other) => {
      const [a, b] = [valueOf(one, at, numeric), valueOf(other, at, numeric)];
      if (a === null || b === null) return (a === null) - (b === null) || one.dataset.at - other.dataset.at;
      const by = numeric ? a - b : a.localeCompare(b, "en");
      return sign * by || one.dataset.at - other.dataset.at;
    });
    table.tBodies[0].append(...rows);
    for (const [number, head] of heads.entries()) {
      if (number === at) head.setAttribute("aria-sort", way);
      else head.removeAttribute("aria-sort");
    }
  }

  return (table) => {
    if (table.tBodies[0].rows.length < 2) return;
    for (const [at, row] of [...table.tBodies[0].rows].entries()) row.dataset.at = at;
    for (const [at, head] of [...table.tHead.rows[0].cells].entries()) {
      const first = head.dataset.first ?? (head.matches(".number, .score") && !/^(cost|rank|p$|p |q$)/.test(head.textContent) ? "descending" : "ascending");
      const button = el("button", { type: "button", class: "sort" }, ...head.childNodes);
      button.addEventListener("click", () => {
        const now = head.getAttribute("aria-sort");
        sort(table, at, now ? OTHER[now] : first);
      });
      head.replaceChildren(button);
    }
  };
})();
