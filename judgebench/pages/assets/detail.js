"use strict";
// One item in full: every run's verdict, the reply of the chosen one, and the texts that it is about.
judgebench.detail = (() => {
  const { el, visible, oneLine, markdown, download } = judgebench;
  const LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
  const view = { markdown: false };

  const slot = (number) => LABELS[number] ?? String(number + 1);
  const money = (amount) => (amount === null || amount === undefined ? "cost unknown" : amount === 0 ? "$0" : `$${Number(amount.toPrecision(3))}`);
  const seconds = (time) => (time === null || time === undefined ? "" : `${time.toFixed(2)} s`);
  const pill = (words, kind = "") => el("span", { class: `pill ${kind}`, title: words }, oneLine(words));
  const kindOf = (failure) => failure[0].replaceAll("_", " ");
  const round = (value) => (value === null ? "none" : String(Number(value.toFixed(3))));

  function text(value, mark, hit) {
    if (view.markdown && !hit) return markdown(value);
    const place = el("div", { class: "text" });
    const pieces = mark ? [[value.slice(0, mark[0])], [value.slice(...mark), "verdict"], [value.slice(mark[1])]] : [[value]];
    for (const [piece, kind] of pieces) {
      if (kind) place.append(el("mark", { class: "verdict", title: "the verdict" }, visible(piece)));
      else place.append(...hits(piece, hit));
    }
    return place;
  }

  // A text with what was searched for marked.
  function hits(piece, hit) {
    if (!hit) return [visible(piece)];
    const found = [];
    const low = piece.toLowerCase();
    let from = 0;
    // Lower case may be longer than the text itself, in a few scripts; then nothing is marked.
    for (let at = low.length === piece.length ? low.indexOf(hit) : -1; at >= 0 && found.length < 400; at = low.indexOf(hit, from)) {
      found.push(visible(piece.slice(from, at)), el("mark", { class: "hit" }, visible(piece.slice(at, at + hit.length))));
      from = at + hit.length;
    }
    return [...found, visible(piece.slice(from))];
  }

  function turns(among, hit) {
    return among.map(([role, content]) => el("div", {}, among.length > 1 ? el("p", { class: "role" }, oneLine(role)) : null, text(content, null, hit)));
  }

  function block(title, ...children) {
    return el("section", { class: "part" }, el("h3", {}, title), ...children);
  }

  function standing(items, run, at) {
    const credit = items.results[run].credit[at];
    const kind = items.right(run, at);
    const partly = items.results[run].split[at] ? "flipped" : `credit ${round(credit ?? 0)}`;
    const words = { right: "correct", wrong: "wrong", partly, unscored: "no score" }[kind];
    return pill(words, { right: "right", wrong: "wrong", partly: "warn" }[kind] ?? "");
  }

  // The answers under the letters of the chosen run's first call, so that its reply can be read beside them.
  class Letters {
    constructor(entry, run) {
      const every = entry.completions.map((_, number) => number);
      const first = entry.runs[run]?.calls[0]?.order ?? [];
      this.order = first.length === every.length ? first : every;
    }

    of(completion) {
      return slot(this.order.indexOf(completion));
    }
  }

  // What a call says, in this page's letters.
  function said(call, letters) {
    if (call.failure) return kindOf(call.failure);
    if (call.order.length === 1) return letters.order.length === 1 ? String(call.verdict) : `${letters.of(call.order[0])}: ${call.verdict}`;
    return call.chosen === undefined ? String(call.verdict) : letters.of(call.chosen);
  }

  function scoresOf(own, letters) {
    if (own.first !== undefined) return String(own.first);
    return (own.scores ?? []).map((sample) => letters.order.map((number) => `${letters.of(number)} ${round(sample[number])}`).join(", ")).join("; ");
  }

  // A row for each run over this item: whether it is right, what it chose in each call, and how its reply ends.
  function verdicts(items, at, entry, letters, asked, choose) {
    const rows = items.runs.map((each, number) => [each, number]).filter(([each, number]) => each.bench === items.items.bench[at] && items.has(number, at));
    const replied = rows.some(([, number]) => entry.runs[number]?.calls.length);
    const made = rows.map(([each, number]) => {
      const own = entry.runs[number] ?? { calls: [] };
      const what = own.calls.length && !own.calls.every((call) => call.order.length === 1) ? own.calls.map((call) => said(call, letters)).join(", ") : scoresOf(own, letters) || own.calls.map((call) => said(call, letters)).join(", ");
      const name = el("button", { type: "button", class: "choose", "aria-pressed": String(number === asked.run) }, oneLine(each.title));
      name.addEventListener("click", () => choose(number));
      const reply = (own.calls[0]?.reply ?? "").trim();
      const marks = [standing(items, number, at)];
      if (items.results[number].split[at] && items.right(number, at) !== "partly") marks.push(" ", pill("flipped", "warn"));
      return el(
        "tr", { class: number === asked.run ? "chosen" : "" },
        el("th", { scope: "row" }, name), el("td", {}, ...marks), el("td", { class: "answer" }, oneLine(what)),
        ...(replied ? [el("td", { class: "end" }, oneLine(reply.length > 110 ? `… ${reply.slice(-110)}` : reply))] : []),
      );
    });
    const heads = ["judge", "", "answer", ...(replied ? ["reply ends"] : [])].map((name) => el("th", { scope: "col" }, name));
    return el("div", { class: "verdicts" }, el("table", {}, el("thead", {}, el("tr", {}, ...heads)), el("tbody", {}, ...made)));
  }

  function completion(entry, number, letters, own, hit) {
    const correct = entry.correct > 0 ? (number < entry.correct ? pill("correct", "right") : pill("not correct", "wrong")) : null;
    const values = entry.steps ? own.scores?.[0]?.map(round) : own.scores?.map((sample) => round(sample[number]));
    return el(
      "section", { class: "part completion" },
      el("h3", {}, `${entry.completions.length > 1 ? `Answer ${letters.of(number)}` : "Answer"} `, correct, el("span", { class: "where" }, values ? ` score ${values.join(", ")}` : "")),
      ...turns(entry.completions[number], hit),
    );
  }

  function verdict(call, letters) {
    if (call.failure) return pill(`no verdict: ${kindOf(call.failure)}`, "warn");
    if (call.chosen === undefined || call.order.length === 1) return pill(`verdict: ${call.verdict}`, "plain");
    const answer = letters.of(call.chosen);
    return pill(answer === call.verdict ? `chose ${answer}` : `said ${call.verdict}, which is answer ${answer}`, "plain");
  }

  function bill(items, call) {
    const [asked, answered, thought] = call.tokens;
    const parts = [
      call.model === undefined ? "" : items.models[call.model], `${asked} tokens in, ${answered} out${thought ? ` (${thought} thinking)` : ""}`,
      money(call.cost), seconds(call.latency), call.cached ? "cached" : "", call.finish ? `finish reason ${call.finish}` : "",
    ];
    return el("p", { class: "bill" }, visible(parts.filter(Boolean).join(" · ")));
  }

  function messages(items, entry, call, hit) {
    if (call.wording === undefined) return call.problem ? el("p", { class: "bill" }, visible(`The messages are not known: ${call.problem}`)) : null;
    const place = el("details", { class: "messages" }, el("summary", {}, "Messages sent"));
    place.addEventListener("toggle", () => {
      if (!place.open || place.children.length > 1) return;
      for (const [role, content] of items.messages(entry, call)) place.append(el("p", { class: "role" }, oneLine(role)), el("pre", { class: "exact" }, ...hits(content, hit)));
    });
    return place;
  }

  function sent(items, entry, call, number, letters, hit, entryCalls) {
    const shown = call.order.map((index) => letters.of(index)).join(", ");
    const sample = entryCalls.some((each) => each.sample) ? `, sample ${call.sample ?? 0}` : "";
    const title = entryCalls.length === 1 ? "Reply" : `Reply ${number}${entry.completions.length > 1 ? `, answers shown in the order ${shown}` : ""}${sample}`;
    const more = [
      call.ranking ? `ranking ${call.ranking}` : "", call.also ? `also ${call.also.join(", ")}` : "", ...(call.parts ?? []).map(([name, value]) => `${name} ${value}`),
      ...(call.probabilities ?? []).map(([name, share]) => `${name} ${(100 * share).toFixed(1)}%`),
    ].filter(Boolean);
    return el(
      "article", { class: "call" },
      el("h4", {}, `${title} `, verdict(call, letters)),
      more.length ? el("p", { class: "bill" }, visible(more.join(" · "))) : null,
      call.failure?.[1] ? el("p", { class: "bill" }, visible(call.failure[1])) : null,
      call.reply === undefined ? null : text(call.reply, call.mark, hit),
      call.thinking === undefined ? null : el("details", {}, el("summary", {}, "Thinking (not parsed)"), text(call.thinking, null, hit)),
      bill(items, call), messages(items, entry, call, hit),
    );
  }

  function run(items, number, at, entry, letters, hit) {
    const own = entry.runs[number] ?? { calls: [] };
    const calls = own.calls.map((call, place) => sent(items, entry, call, place + 1, letters, hit, own.calls));
    const empty = items.runs[number].scores ? "A reward model: scores, no replies." : "No call was made for this item.";
    const bounds = own.bounds ? el("p", { class: "bill" }, `Credit if all failures were wrong or right: ${own.bounds[0]} or ${own.bounds[1]}.`) : null;
    return el(
      "section", { class: "run" },
      el("h3", {}, el("span", { class: "name" }, oneLine(items.runs[number].title)), " ", standing(items, number, at)),
      bounds, ...(calls.length ? calls : [el("p", { class: "bill" }, empty)]),
    );
  }

  // The item as JSON, with the names of its runs.
  function raw(items, at, entry) {
    const runs = Object.fromEntries(Object.entries(entry.runs).map(([number, own]) => [items.runs[number].title, own]));
    return JSON.stringify({ id: items.items.id[at], subset: items.subsets[items.items.subset[at]], ...entry, runs }, null, 2);
  }

  async function copy(content) {
    try {
      await navigator.clipboard.writeText(content);
    } catch {
      // A page from disk may not have the clipboard: then the old way.
      const place = el("textarea", { value: content });
      document.body.append(place);
      place.select();
      document.execCommand("copy");
      place.remove();
    }
  }

  function tools(items, at, entry, again) {
    const button = (name, words, work) => {
      const made = el("button", { type: "button", class: name }, words);
      made.addEventListener("click", () => work(made));
      return made;
    };
    const whole = el("pre", { class: "exact raw", hidden: true });
    const toggled = button("markdown-toggle", "Markdown", () => {
      view.markdown = !view.markdown;
      again();
    });
    toggled.setAttribute("aria-pressed", String(view.markdown));
    const shown = button("raw-toggle", "Raw", (made) => {
      if (!whole.firstChild) whole.append(visible(raw(items, at, entry)));
      whole.hidden = !whole.hidden;
      made.setAttribute("aria-pressed", String(!whole.hidden));
    });
    shown.setAttribute("aria-pressed", "false");
    return [
      el(
        "div", { class: "itemtools" }, toggled, shown,
        button("copy", "Copy JSON", (made) => copy(raw(items, at, entry)).then(() => { made.textContent = "Copied"; })),
        button("save", "Download", () => download(`item-${items.items.id[at]}.json`, "application/json", raw(items, at, entry))),
      ),
      whole,
    ];
  }

  function labels(entry) {
    if (entry.said) return entry.said.map((line) => pill(line));
    if (entry.label) return [pill(`label: ${entry.label}`)];
    return entry.human === undefined ? [] : [pill(`label: ${entry.human}`)];
  }

  // The subset, where there is more than one, and the label.
  function marks(items, at, entry) {
    return [items.subsets.length > 1 ? pill(items.subsets[items.items.subset[at]]) : null, " ", ...labels(entry)];
  }

  async function show(place, items, at, asked, { choose, again, triage }) {
    const entry = await items.entry(at);
    const { run: first, beside } = asked;
    const own = entry.runs[first] ?? { calls: [] };
    const hit = asked.text.toLowerCase();
    const letters = new Letters(entry, first);
    const title = el("h2", { tabIndex: -1, class: "title" }, oneLine(items.items.id[at]));
    const [buttons, whole] = tools(items, at, entry, again);
    const replies = [first, ...(beside === null ? [] : [beside])];
    place.replaceChildren(
      el("header", { class: "of" }, el("div", { class: "line" }, title, buttons), el("p", {}, ...marks(items, at, entry))),
      whole,
      ...(triage ? [triage(at, entry, letters)] : []),
      verdicts(items, at, entry, letters, asked, choose),
      el("div", { class: beside === null ? "runs" : "runs two" }, ...replies.map((number) => run(items, number, at, entry, letters, hit))),
      block("Prompt", ...turns(entry.prompt, hit)),
      el("div", { class: "completions" }, ...letters.order.map((number) => completion(entry, number, letters, own, hit))),
      ...(entry.reference === undefined ? [] : [block("Reference", text(entry.reference, null, hit))]),
      ...(entry.rubric === undefined ? [] : [block("Rubric", text(entry.rubric, null, hit))]),
    );
    return title;
  }

  return { show, pill, standing, money, slot };
})();
