"use strict";
// The leaderboard's page: sorting, filters, and the runs that not significantly different from one.
(() => {
  const { el, csv, download, ready, sortable } = judgebench;

  const share = (one, other) => [...one].some((letter) => other.includes(letter));

  // A button in each row marks the rows that share a letter with it.
  function grouped(board, table, say) {
    const rows = [...table.tBodies[0].rows].filter((row) => row.dataset.group);
    for (const row of rows) {
      const place = row.cells[row.cells.length - 1];
      const title = `Mark what not significantly different from ${row.dataset.title}`;
      const button = el("button", { type: "button", class: "alike", title, "aria-label": `${row.dataset.group}: ${title}`, "aria-pressed": "false" }, row.dataset.group);
      button.addEventListener("click", () => {
        const on = button.getAttribute("aria-pressed") !== "true";
        for (const each of table.querySelectorAll("button.alike")) each.setAttribute("aria-pressed", String(on && each === button));
        for (const each of table.tBodies[0].rows) {
          each.classList.toggle("kin", on && share(row.dataset.group, each.dataset.group));
          each.classList.toggle("apart", on && !share(row.dataset.group, each.dataset.group));
        }
        board.dataset.marked = on ? row.dataset.at : "";
        say();
      });
      place.replaceChildren(button);
    }
  }

  function start(board, asked) {
    const table = board.querySelector("table");
    const status = board.querySelector(".count");
    const rows = [...table.tBodies[0].rows];
    const say = () => {
      const seen = rows.filter((row) => !row.hidden);
      const marked = board.dataset.marked ? rows.find((row) => row.dataset.at === board.dataset.marked) : null;
      const kin = rows.filter((row) => row.classList.contains("kin")).length - 1;
      const words = seen.length === rows.length ? "" : `${seen.length} of ${rows.length} rows. `;
      status.textContent = marked ? `${words}${kin === 1 ? "1 run is" : `${kin} runs are`} not significantly different from ${marked.dataset.title}.` : words;
    };
    sortable(table);
    grouped(board, table, say);
    const filter = () => {
      const { words, kind, ranked } = asked();
      for (const row of rows) {
        const text = `${row.cells[1].textContent} ${row.cells[2].textContent}`.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word)) || (kind !== "" && row.dataset.kind !== kind)
          || (ranked && row.cells[0].dataset.value === undefined);
      }
      say();
    };
    board.querySelector("button.csv").addEventListener("click", () => {
      const heads = [...table.tHead.rows[0].cells];
      const cells = [...table.tBodies[0].rows].filter((row) => !row.hidden).map((row) => heads.map((head, at) => {
        const text = row.cells[at].textContent.trim();
        return head.classList.contains("number") && row.cells[at].dataset.value !== undefined && head.textContent !== "95% CI"
          ? Number(row.cells[at].dataset.value) : text;
      }));
      download(`${board.id}.csv`, "text/csv", csv(heads.map((head) => head.textContent), cells));
    });
    return filter;
  }

  ready(() => {
    const form = document.querySelector("form.filters");
    const asked = () => ({
      words: form.elements.words.value.toLowerCase().split(/\s+/).filter(Boolean),
      kind: form.elements.kind?.value ?? "",
      ranked: form.elements.ranked.checked,
    });
    const filters = [...document.querySelectorAll("section.board")].map((board) => start(board, asked));
    const all = () => filters.forEach((filter) => filter());
    form.hidden = false;
    form.addEventListener("input", all);
    form.addEventListener("change", all);
    form.addEventListener("submit", (event) => event.preventDefault());
    document.getElementById("clear").addEventListener("click", () => {
      form.reset();
      for (const button of document.querySelectorAll('button.alike[aria-pressed="true"]')) button.click();
      all();
    });
    document.body.dataset.ready = "yes";
  });
})();
