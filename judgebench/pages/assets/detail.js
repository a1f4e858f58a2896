"use strict";
// One item in full: its prompt, its completions in the order shown, and what each run has of it.
judgebench.detail = (() => {
  const { el, visible, oneLine } = judgebench;
  const LABELS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";

  const slot = (number) => LABELS[number] ?? String(number + 1);
  const money = (amount) => (amount === null || amount === undefined ? "cost unknown" : amount === 0 ? "$0" : `$${Number(amount.toPrecision(3))}`);
  const seconds = (time) => (time === null || time === undefined ? "" : `${time.toFixed(2)} s`);
  const pill = (words, kind = "") => el("span", { class: `pill ${kind}`, title: words }, oneLine(words));

  function text(value, mark, hit) {
    const place = el("pre", { class: "text" });
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
    const words = { right: "right", wrong: "wrong", partly: `partly right: ${Number((credit ?? 0).toFixed(3))}`, unscored: "no score" }[kind];
    return pill(words, { right: "right", wrong: "wrong", partly: "warn" }[kind] ?? "");
  }

  function completion(entry, number, calls, scores, hit) {
    const shown = calls
      .map((call, at) => [call.order.indexOf(number), at, call.order.length])
      .filter(([place, , size]) => place >= 0 && size > 1)
      .map(([place, at]) => (calls.length > 1 ? `${slot(place)} in call ${at + 1}` : `shown as ${slot(place)}`));
    const many = shown.length > 4 ? [...shown.slice(0, 4), `and in ${shown.length - 4} more calls`] : shown;
    const correct = entry.correct > 0 ? (number < entry.correct ? pill("correct", "right") : pill("not correct", "wrong")) : null;
    const values = scores?.map((sample) => sample[number]).map((value) => (value === null ? "none" : Number(value.toFixed(4))));
    const said = [...many, ...(values ? [`score ${values.join(", ")}`] : [])].join(" · ");
    return el(
      "section", { class: "part completion" },
      el("h3", {}, `Completion ${number} `, correct, el("span", { class: "where" }, said ? ` ${said}` : "")),
      ...turns(entry.completions[number], hit),
    );
  }

  function verdict(call) {
    if (call.failure) return pill(`no verdict: ${call.failure[0].replaceAll("_", " ")}`, "warn");
    const chosen = call.chosen === undefined ? "" : `, completion ${call.chosen}`;
    return pill(`verdict: ${call.verdict}${chosen}`, "plain");
  }

  function bill(items, call) {
    const [asked, said, thought] = call.tokens;
    const parts = [
      call.model === undefined ? "" : items.models[call.model], `${asked} tokens in, ${said} out${thought ? ` (${thought} thinking)` : ""}`,
      money(call.cost), seconds(call.latency), call.cached ? "from the cache" : "", call.finish ? `ended by ${call.finish}` : "",
    ];
    return el("p", { class: "bill" }, visible(parts.filter(Boolean).join(" · ")));
  }

  function messages(items, entry, call, hit) {
    if (call.wording === undefined) return call.problem ? el("p", { class: "bill" }, visible(`The messages are not known: ${call.problem}`)) : null;
    const place = el("details", { class: "messages" }, el("summary", {}, "The exact messages sent"));
    place.addEventListener("toggle", () => {
      if (!place.open || place.children.length > 1) return;
      for (const [role, content] of items.messages(entry, call)) place.append(el("p", { class: "role" }, oneLine(role)), text(content, null, hit));
    });
    return place;
  }

  function sent(items, entry, call, number, hit, entryCalls) {
    const what = call.order.length === 1 ? `completion ${call.order[0]}` : call.order.map((index, place) => `${slot(place)} is completion ${index}`).join(", ");
    const sample = entryCalls.some((each) => each.sample) ? `, sample ${call.sample ?? 0}` : "";
    const more = [
      call.ranking ? `ranking ${call.ranking}` : "", call.also ? `also ${call.also.join(", ")}` : "", ...(call.parts ?? []).map(([name, value]) => `${name} ${value}`),
      ...(call.probabilities ?? []).map(([name, share]) => `${name} ${(100 * share).toFixed(1)}%`),
    ].filter(Boolean);
    return el(
      "article", { class: "call" },
      el("h4", {}, `Call ${number}: ${what}${sample} `, verdict(call)),
      more.length ? el("p", { class: "bill" }, visible(more.join(" · "))) : null,
      call.failure?.[1] ? el("p", { class: "bill" }, visible(call.failure[1])) : null,
      call.thinking === undefined ? null : el("details", {}, el("summary", {}, "Thinking, which is not read for the verdict"), text(call.thinking, null, hit)),
      call.reply === undefined ? el("p", { class: "bill" }, "There is no reply.") : text(call.reply, call.mark, hit),
      bill(items, call),
      messages(items, entry, call, hit),
    );
  }

  function run(items, number, at, entry, hit) {
    const own = entry.runs[number] ?? { calls: [] };
    const calls = own.calls.map((call, place) => sent(items, entry, call, place + 1, hit, own.calls));
    const empty = items.runs[number].scores ? "Scores alone: nothing was asked." : "Nothing was asked about this item.";
    const bounds = own.bounds ? el("p", { class: "bill" }, `With its failures counted wrong ${own.bounds[0]}, counted right ${own.bounds[1]}.`) : null;
    return el(
      "section", { class: "run" },
      el("h3", {}, el("span", { class: "name" }, oneLine(items.runs[number].title)), " ", standing(items, number, at)),
      bounds, ...(calls.length ? calls : [el("p", { class: "bill" }, empty)]),
    );
  }

  function spoken(call) {
    if (call.failure) return call.failure[0].replaceAll("_", " ");
    return call.chosen === undefined ? String(call.verdict) : `${call.verdict} (completion ${call.chosen})`;
  }

  // What two runs have of an item, what differs first.
  function facts(items, first, second, at, entry) {
    const said = (number) => {
      const own = entry.runs[number] ?? { calls: [] };
      const result = items.results[number];
      return {
        credit: result.credit[at] === null ? "none" : String(Number(result.credit[at].toFixed(4))),
        answer: result.choice[at] === null ? "" : result.choice[at] >= entry.completions.length ? "a tie" : `completion ${result.choice[at]}`,
        verdicts: own.calls.map(spoken).join(", "),
        scores: (own.scores ?? []).map((sample) => sample.map((value) => (value === null ? "none" : Number(value.toFixed(4)))).join(", ")).join("; "),
        "same in all orders": own.calls.length > 1 ? (result.split[at] ? "no" : "yes") : "",
        cost: own.calls.length ? money(result.cost[at]) : "",
        "longest latency": seconds(result.latency[at]),
      };
    };
    const [a, b] = [said(first), said(second)];
    const rows = Object.keys(a).filter((name) => a[name] !== "" || b[name] !== "");
    rows.sort((x, y) => (a[x] === b[x]) - (a[y] === b[y]));
    return el(
      "table", { class: "beside" },
      el("thead", {}, el("tr", {}, el("th", { scope: "col" }, ""), ...[first, second].map((number) => el("th", { scope: "col" }, oneLine(items.runs[number].title))))),
      el("tbody", {}, ...rows.map((name) => el("tr", { class: a[name] === b[name] ? "same" : "differs" }, el("th", { scope: "row" }, name), el("td", {}, oneLine(a[name])), el("td", {}, oneLine(b[name]))))),
    );
  }

  async function show(place, items, at, asked) {
    const entry = await items.entry(at);
    const { run: first, beside } = asked;
    const own = entry.runs[first] ?? { calls: [] };
    const hit = asked.text.toLowerCase();
    const every = entry.completions.map((_, number) => number);
    const order = own.calls[0]?.order.length === every.length ? own.calls[0].order : every;
    const label = entry.label ? pill(`label: ${entry.label}`) : entry.human !== undefined ? pill(`label: ${entry.human}`) : null;
    const title = el("h2", { tabIndex: -1, class: "title" }, oneLine(items.items.id[at]));
    place.replaceChildren(
      el("header", { class: "of" }, title, el("p", {}, pill(items.subsets[items.items.subset[at]]), " ", standing(items, first, at), " ", label)),
      ...(beside === null ? [] : [facts(items, first, beside, at, entry)]),
      block("Prompt", ...turns(entry.prompt, hit)),
      el("div", { class: "completions" }, ...order.map((number) => completion(entry, number, own.calls, own.scores, hit))),
      ...(entry.reference === undefined ? [] : [block("Reference", text(entry.reference, null, hit))]),
      ...(entry.rubric === undefined ? [] : [block("Rubric", text(entry.rubric, null, hit))]),
      el("div", { class: beside === null ? "runs" : "runs two" }, ...[first, ...(beside === null ? [] : [beside])].map((number) => run(items, number, at, entry, hit))),
    );
    return title;
  }

  return { show, pill, standing, money };
})();
