"use strict";
// Labels that the good judges disagree with: each is kept or corrected by a reader, and the corrections come out as CSV
// for `judgebench rescore RUN --labels`.
judgebench.Triage = class {
  constructor(items, again, next) {
    Object.assign(this, { items, again, next });
    const { el, csv, download } = judgebench;
    this.said = new Map(Object.entries(this.kept()));
    this.status = el("span", { role: "status" });
    this.out = el("button", { type: "button", class: "corrections" }, "Download corrections (CSV)");
    this.out.addEventListener("click", () => download("fixes.csv", "text/csv;charset=utf-8", csv(["id", "label", "comment"], this.rows())));
    const command = el("code", {}, "judgebench rescore RUN --labels fixes.csv");
    this.bar = el("p", { class: "triage", hidden: true }, this.status, " ", this.out, " ", command);
    this.count();
  }

  // What was said is kept by the browser, where it keeps anything for pages from disk.
  place() {
    return `judgebench ${document.title} ${this.items.count} ${this.items.items.id[0]}`;
  }

  kept() {
    try {
      return JSON.parse(localStorage.getItem(this.place()) ?? "{}");
    } catch {
      return {};
    }
  }

  store() {
    try {
      localStorage.setItem(this.place(), JSON.stringify(Object.fromEntries(this.said)));
    } catch {
      // Without storage they last as long as the page is open.
    }
    this.count();
  }

  count() {
    const fixed = this.rows().length;
    this.status.textContent = `${this.said.size} checked, ${fixed} corrected.`;
    this.out.disabled = fixed === 0;
  }

  // The items whose label is not kept.
  rows() {
    return [...this.said].filter(([, { label }]) => label !== "keep").map(([at, { label, comment }]) => [this.items.items.id[at], label, comment ?? ""]);
  }

  say(at, change) {
    this.said.set(String(at), { label: "keep", comment: "", ...this.said.get(String(at)), ...change });
    this.store();
  }

  press(key, at) {
    if (key === "y") this.say(at, { label: "keep" });
    else this.say(at, { label: this.other(at) });
    this.next();
  }

  // The answer that most good judges choose.
  other(at) {
    const { results, good, runs, items } = this.items;
    const chosen = good.filter((run) => runs[run].bench === items.bench[at]).map((run) => results[run].choice[at]).filter((choice) => choice !== null);
    const counts = new Map();
    for (const choice of chosen) counts.set(choice, (counts.get(choice) ?? 0) + 1);
    const [best] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [1];
    const classes = this.classes(at);
    if (this.steps?.get(at)) return String(best > 0 ? best - 2 : -1);
    if (classes) return classes.filter((name) => name !== this.golds.get(at))[Math.max(best, 1) - 1];
    if (best < this.sizes.get(at)) return String(best);
    return this.unlabelled(at) ? "tie" : "1";
  }

  // Whether the item's benchmark knows ties and items without a label.
  unlabelled(at) {
    return this.items.runs.some((run) => run.bench === this.items.items.bench[at] && run.own);
  }

  // The classes of an item whose one answer is put in one; undefined for others.
  classes(at) {
    return this.items.runs.find((run) => run.bench === this.items.items.bench[at] && run.classes)?.classes;
  }

  panel(at, entry, letters) {
    const { el, oneLine } = judgebench;
    this.sizes ??= new Map();
    this.sizes.set(at, entry.completions.length);
    this.steps ??= new Map();
    this.steps.set(at, entry.steps);
    this.golds ??= new Map();
    this.golds.set(at, entry.label);
    const classes = this.classes(at);
    const now = this.said.get(String(at));
    const names = letters.order.map((number) => [String(number), `${letters.of(number)} is best`]).filter(([number]) => Number(number) >= entry.correct);
    const none = this.unlabelled(at) ? [...(entry.completions.length === 2 ? [["tie", "Tie"]] : []), ["none", "No label"]] : [];
    const own = entry.label ? `The label is ${entry.label}.` : `The label says ${entry.completions.map((_, n) => n).filter((n) => n < entry.correct).map((n) => letters.of(n)).join(", ")}.`;
    const numbers = [...Array(entry.steps ?? 0).keys()].map((step) => [String(step), `Step ${step} is the first wrong one`]);
    const steps = [["-1", "No step is wrong"], ...numbers].filter(([label]) => label !== entry.label);
    const others = entry.steps ? steps : classes ? classes.filter((name) => name !== entry.label).map((name) => [name, `It is ${name}`]) : names;
    const choices = [["keep", "Keep the label (y)"], ...others, ...none];
    const wanted = this.other(at);
    const buttons = choices.map(([label, words]) => {
      const button = el("button", { type: "button", "aria-pressed": String(now?.label === label) }, label === wanted ? `${words} (n)` : words);
      button.addEventListener("click", () => {
        this.say(at, { label });
        this.again();
      });
      return button;
    });
    const comment = el("input", { type: "text", placeholder: "Comment", "aria-label": "Comment", value: now?.comment ?? "" });
    comment.addEventListener("change", () => this.say(at, { comment: comment.value }));
    const against = Math.round(100 * this.items.against(at));
    return el(
      "section", { class: "part check" },
      el("h3", {}, `${oneLine(own)} ${against === 100 ? "All" : `${against}% of the`} good judges disagree.`),
      el("div", { class: "answers" }, ...buttons, comment),
    );
  }
};
