"use strict";
// The report's page: its three views, and the browser of items, whose state stands in the address.
(() => {
  const { unpack, el, oneLine, ready, detail } = judgebench;
  const VIEWS = ["results", "items", "reproduce"];
  const ROW = 62;

  // ---- views: #results, #items?..., #reproduce, or the anchor of a figure

  function viewOf(hash) {
    const name = hash.slice(1).split("?")[0];
    if (VIEWS.includes(name)) return [name, null];
    const target = name && document.getElementById(name);
    return target ? [target.closest(".view")?.dataset.view ?? "results", target] : ["results", null];
  }

  let current = null;
  function route() {
    const [view, target] = viewOf(location.hash);
    for (const place of document.querySelectorAll(".view")) place.hidden = place.dataset.view !== view;
    for (const link of document.querySelectorAll(".head nav a")) {
      if (link.dataset.view === view) link.setAttribute("aria-current", "page");
      else link.removeAttribute("aria-current");
    }
    document.body.dataset.view = view;
    if (target) target.scrollIntoView();
    else if (current !== view) scrollTo(0, 0);
    current = view;
    return view;
  }

  // ---- the items

  const NOTHING = { run: 0, beside: null, subset: "", right: "", failure: "", orders: false, judges: false, suspect: false, text: "", sort: "" };
  const CHIPS = { every: {}, wrong: { right: "wrong" }, failed: { failure: "any" }, flipped: { orders: true }, disagree: { judges: true }, suspect: { suspect: true } };

  // Whether a chip is what is asked for: nothing, or its own thing.
  function isAsked(name, asked) {
    const own = Object.entries(CHIPS[name]);
    if (own.length) return own.every(([key, value]) => asked[key] === value);
    return !asked.right && !asked.failure && !asked.orders && !asked.judges && !asked.suspect;
  }

  function read(items) {
    const said = new URLSearchParams(location.hash.split("?")[1] ?? "");
    const number = (name) => (/^\d+$/.test(said.get(name) ?? "") && Number(said.get(name)) < items.runs.length ? Number(said.get(name)) : null);
    const asked = { ...NOTHING, run: number("run") ?? 0, beside: number("beside") };
    if (asked.beside === asked.run || (asked.beside !== null && items.runs[asked.beside].bench !== items.runs[asked.run].bench)) asked.beside = null;
    for (const name of ["subset", "right", "failure", "text", "sort"]) asked[name] = said.get(name) ?? "";
    for (const name of ["orders", "judges", "suspect"]) asked[name] = said.get(name) === "1";
    asked.item = said.get("item");
    asked.number = said.get("number");
    return asked;
  }

  function address(asked, items, at) {
    const said = new URLSearchParams();
    for (const [name, value] of Object.entries(asked)) {
      if (name in NOTHING && value !== NOTHING[name]) said.set(name, value === true ? "1" : value);
    }
    if (at !== null) {
      const id = items.items.id[at];
      // An id that an address cannot hold, or that stands for two texts, is named by its number on this page.
      if (id.isWellFormed?.() !== false && items.numbers.get(`${items.items.bench[at]}\n${id}`) === at) said.set("item", id);
      else said.set("number", at);
    }
    return `#items${said.size ? `?${said}` : ""}`;
  }

  function options(values, names = values) {
    return values.map((value, at) => el("option", { value }, oneLine(String(names[at]))));
  }

  class Browser {
    constructor(items) {
      this.items = items;
      this.turn = 0;
      this.triage = new judgebench.Triage(items, () => this.show(), () => this.list.select(this.list.at + 1));
      this.place = document.getElementById("view-items");
      this.build();
      this.follow();
      addEventListener("hashchange", () => route() === "items" && this.follow());
      document.addEventListener("keydown", (event) => this.key(event));
    }

    chips(...among) {
      this.chip = Object.fromEntries(among.map(([name, words]) => [name, el("button", { type: "button", class: "chip", name, "aria-pressed": "false" }, words)]));
      for (const [name, button] of Object.entries(this.chip)) {
        button.addEventListener("click", () => this.pressed(name));
      }
      return el("div", { class: "chips", role: "group", "aria-label": "Which items" }, ...Object.values(this.chip));
    }

    // A chip asks for one thing alone; pressed again, for all.
    pressed(name) {
      const next = { ...this.asked, right: "", failure: "", orders: false, judges: false, suspect: false };
      if (this.chip[name].getAttribute("aria-pressed") !== "true") Object.assign(next, CHIPS[name]);
      this.go(next, this.at);
    }

    build() {
      const select = (name, label) => {
        this[name] = el("select", { name, "aria-label": label });
        return el("label", {}, el("span", {}, label), this[name]);
      };
      this.text = el("input", { type: "search", name: "text", placeholder: "Search in all texts", "aria-label": "Search in prompts, completions and replies" });
      this.count = el("p", { class: "count", role: "status" });
      this.back = el("button", { type: "button", class: "back" }, "Back to the list");
      this.full = el("div", { class: "full", role: "region", "aria-label": "The item" });
      const list = el("div", { class: "listing" }, this.count);
      this.listing = list;
      const reset = el("button", { type: "button", class: "reset" }, "Clear filters");
      const filters = el(
        "form", { class: "filters", role: "search" },
        this.text, this.chips(["every", "All"], ["wrong", "Wrong"], ["failed", "Failures"], ["flipped", "Flipped"], ["disagree", "Judges disagree"], ["suspect", "Check labels"]),
        el(
          "details", { class: "more" }, el("summary", {}, "More filters"),
          el(
            "div", { class: "morefilters" }, select("run", "Judge"), select("beside", "Compare with"), select("subset", "Subset"), select("right", "Correct"),
            select("failure", "Failure"), select("sort", "Sort"), reset,
          ),
        ),
      );
      this.place.append(
        el("h1", { class: "unseen" }, "Items"),
        el("div", { class: "filtering" }, filters), this.triage.bar,
        el("div", { class: "panes" }, list, el("div", { class: "pane" }, this.back, this.full)),
        el("p", { class: "help" }, "Keys: / search, j and k next and previous, Enter open, Esc back to the list, m Markdown."),
      );
      this.list = new judgebench.VirtualList(list, {
        height: ROW, label: "Items", render: (at) => this.row(at), choose: (at, opened) => this.open(at, opened),
      });
      filters.addEventListener("submit", (event) => event.preventDefault());
      filters.addEventListener("change", (event) => event.target !== this.text && this.changed());
      this.text.addEventListener("input", () => {
        clearTimeout(this.typing);
        this.typing = setTimeout(() => this.changed(), 180);
      });
      reset.addEventListener("click", () => this.go({ ...NOTHING, run: this.asked.run, beside: this.asked.beside }, this.at));
      this.back.addEventListener("click", () => this.close());
    }

    // The choices of each filter, of what the chosen runs have.
    fill() {
      const { items, asked } = this;
      const { bench } = items.runs[asked.run];
      const group = (number) => (items.benchmarks.length > 1 ? `${items.benchmarks[items.runs[number].bench]}: ` : "");
      const every = items.runs.map((_, number) => number);
      this.run.replaceChildren(...options(every, every.map((number) => group(number) + items.runs[number].title)));
      const others = every.filter((number) => number !== asked.run && items.runs[number].bench === bench);
      this.beside.replaceChildren(...options(["", ...others], ["none", ...others.map((number) => items.runs[number].title)]));
      const here = [...Array(items.count).keys()].filter((at) => items.has(asked.run, at));
      const subsets = [...new Set(here.map((at) => items.items.subset[at]))].map((number) => items.subsets[number]);
      this.subset.replaceChildren(...options(["", ...subsets], ["all", ...subsets]));
      this.right.replaceChildren(...options(["", "right", "wrong", "partly", "unscored"], ["all", "correct", "wrong", "partly (or flipped)", "no score"]));
      const kinds = [...new Set(here.flatMap((at) => items.failed(asked.run, at)))].sort();
      this.failure.replaceChildren(...options(["", ...(kinds.length ? ["any"] : []), ...kinds], ["all", ...(kinds.length ? ["any failure"] : []), ...kinds.map((kind) => kind.replaceAll("_", " "))]));
      const sorts = { "": "as in the data", ...(asked.beside === null ? {} : { differ: "what differs first" }), wrong: "wrong first", cost: "most expensive first", latency: "slowest first" };
      this.sort.replaceChildren(...options(Object.keys(sorts), Object.values(sorts)));
      this.chip.disagree.hidden = others.length === 0;
      this.chip.flipped.hidden = !here.some((at) => items.results[asked.run].split[at]) && !asked.orders;
      this.chip.failed.hidden = !kinds.length && !asked.failure;
      this.chip.suspect.hidden = !here.some((at) => items.labelled(at)) && !asked.suspect;
    }

    // What the address asks for becomes what the filters show, and what is listed.
    async follow() {
      const before = this.asked;
      this.asked = read(this.items);
      const { asked, items } = this;
      if (!before || before.run !== asked.run || before.beside !== asked.beside) this.fill();
      for (const name of ["run", "beside", "subset", "right", "failure", "sort"]) this[name].value = asked[name] ?? "";
      if (this.text.value !== asked.text) this.text.value = asked.text;
      for (const [name, button] of Object.entries(this.chip)) button.setAttribute("aria-pressed", String(isAsked(name, asked)));
      const wanted = asked.item === null ? asked.number : items.numbers.get(`${items.runs[asked.run].bench}\n${asked.item}`);
      this.at = wanted === null || wanted === undefined || !/^\d+$/.test(wanted) || Number(wanted) >= items.count ? null : Number(wanted);
      this.lost = this.at === null ? asked.item ?? asked.number : null;
      const same = before && Object.keys(NOTHING).every((name) => before[name] === asked[name]);
      if (!same) await this.refill();
      // The item that is open stays only while it is in the list; else the list's first is, where there is room for both.
      const listed = this.at !== null && this.found?.includes(this.at);
      const wide = !matchMedia("(max-width: 60rem)").matches;
      if (wide && this.lost === null && !listed && this.found && (this.at === null || (before && !same))) {
        this.at = this.found[0] ?? null;
        this.list.set(this.found, this.at === null ? -1 : 0);
      }
      await this.show();
    }

    async refill() {
      const { items, asked } = this;
      const turn = (this.turn += 1);
      let found = items.fitting(asked);
      if (asked.text) {
        this.count.textContent = "searching ...";
        found = await items.search(found, asked.text, asked.beside === null ? [asked.run] : [asked.run, asked.beside], () => turn === this.turn);
        if (found === null) return;
      }
      this.found = found;
      const all = items.results[asked.run].calls.filter((calls) => calls !== null).length;
      const items_ = all === 1 ? "item" : "items";
      this.count.textContent = found.length === all ? `${all} ${items_}` : `${found.length} of ${all} ${items_}`;
      this.triage.bar.hidden = !asked.suspect;
      this.listing.classList.toggle("none", found.length === 0);
      this.list.set(found, this.at === null ? -1 : found.indexOf(this.at));
    }

    row(at) {
      const { items, asked } = this;
      const failed = items.failed(asked.run, at);
      const pills = [detail.standing(items, asked.run, at)];
      if (asked.beside !== null) pills.push(" ", detail.standing(items, asked.beside, at));
      if (failed.length) pills.push(" ", detail.pill(failed.map((kind) => kind.replaceAll("_", " ")).join(", "), "warn"));
      if (items.results[asked.run].split[at] && items.right(asked.run, at) !== "partly") pills.push(" ", detail.pill("flipped", "warn"));
      return el(
        "div", { class: "row" },
        el("div", { class: "line" }, el("span", { class: "id" }, oneLine(items.items.id[at])), el("span", { class: "pills" }, ...pills)),
        el("div", { class: "snippet" }, oneLine(items.items.text[at]) || "(no text)"),
      );
    }

    open(at, opened) {
      this.opened = opened;
      this.go(this.asked, at);
    }

    async show() {
      if (this.at === null) {
        this.place.classList.remove("reading");
        const said = this.lost !== null ? `There is no item ${oneLine(this.lost)} of ${oneLine(this.items.runs[this.asked.run].title)} on this page.`
          : this.found?.length ? "Choose an item." : "No matching items.";
        this.full.replaceChildren(el("p", { class: "empty" }, said));
        return;
      }
      const turn = (this.showing = (this.showing ?? 0) + 1);
      const title = await detail.show(document.createElement("div"), this.items, this.at, this.asked, {
        choose: (run) => this.go({ ...this.asked, run, beside: this.asked.beside === run ? null : this.asked.beside, ...(this.asked.failure ? { failure: "any" } : {}) }, this.at),
        again: () => this.show(),
        triage: this.asked.suspect ? (at, entry, letters) => this.triage.panel(at, entry, letters) : null,
      });
      if (turn !== this.showing) return;
      this.full.replaceChildren(...title.closest("header").parentNode.childNodes);
      this.full.parentNode.scrollTop = 0;
      this.place.classList.add("reading");
      this.list.at = this.found.indexOf(this.at);
      this.list.draw();
      if (this.opened) title.focus({ preventScroll: true });
      this.opened = false;
    }

    close() {
      this.place.classList.remove("reading");
      this.list.place.focus();
      if (matchMedia("(max-width: 60rem)").matches) this.go(this.asked, null);
    }

    changed() {
      const number = (name) => (this[name].value === "" ? null : Number(this[name].value));
      const asked = { ...NOTHING, run: number("run"), beside: number("beside"), text: this.text.value };
      for (const name of ["subset", "right", "failure", "sort"]) asked[name] = this[name].value;
      for (const name of ["orders", "judges", "suspect"]) asked[name] = this.asked[name];
      if (asked.beside === asked.run || (asked.beside !== null && this.items.runs[asked.beside].bench !== this.items.runs[asked.run].bench)) asked.beside = null;
      // Two runs side by side begin with what differs.
      if (asked.beside !== null && this.asked.beside === null && !asked.sort) asked.sort = "differ";
      if (asked.beside === null && asked.sort === "differ") asked.sort = "";
      if (asked.run !== this.asked.run) Object.assign(asked, { subset: this.known(this.subset, asked), failure: "" });
      this.go(asked, this.at);
    }

    known(select, asked) {
      const there = this.items.subsets.indexOf(select.value);
      return this.items.items.subset.some((number, at) => number === there && this.items.has(asked.run, at)) ? select.value : "";
    }

    // Everything that is chosen goes through the address, so that it can be sent to somebody.
    go(asked, at) {
      const next = address(asked, this.items, at);
      if (next === location.hash) this.follow();
      else {
        history.replaceState(null, "", next);
        this.follow();
      }
    }

    key(event) {
      if (document.body.dataset.view !== "items" || event.altKey || event.ctrlKey || event.metaKey) return;
      const typing = event.target.matches?.("input, select, textarea");
      if (event.key === "Escape") {
        event.preventDefault();
        if (event.target === this.text && this.text.value) {
          this.text.value = "";
          this.changed();
        } else this.close();
      } else if (typing) {
        if (event.key === "Enter" && event.target === this.text) this.list.place.focus();
      } else if (event.key === "/") {
        event.preventDefault();
        this.text.focus();
      } else if (event.key === "j" || event.key === "k") {
        event.preventDefault();
        this.list.select(this.list.at + (event.key === "j" ? 1 : -1));
      } else if (event.key === "m") {
        event.preventDefault();
        this.full.querySelector(".markdown-toggle")?.click();
      } else if (this.asked.suspect && this.at !== null && (event.key === "y" || event.key === "n")) {
        event.preventDefault();
        this.triage.press(event.key, this.at);
      }
    }
  }

  route();
  addEventListener("hashchange", route);
  ready(async () => {
    const [index, wordings] = await Promise.all([unpack("items"), unpack("wordings")]);
    judgebench.browser = new Browser(new judgebench.Items(index, wordings));
    performance.mark("judgebench:ready");
    document.body.dataset.ready = "yes";
  });
})();
