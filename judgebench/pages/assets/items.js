"use strict";
// The items: which are listed, by what is asked for, and in which order. Texts are read block by block when needed.
judgebench.Items = class {
  constructor(index, wordings) {
    Object.assign(this, index);
    this.wordings = wordings;
    this.blocks = new Map();
    this.count = this.items.id.length;
    this.numbers = new Map();
    this.items.id.forEach((id, at) => {
      const key = `${this.items.bench[at]}\n${id}`;
      if (!this.numbers.has(key)) this.numbers.set(key, at);
    });
  }

  // A block of entries; the last few are kept as they are.
  block(number) {
    if (!this.blocks.has(number)) {
      if (this.blocks.size >= 48) this.blocks.delete(this.blocks.keys().next().value);
      this.blocks.set(number, judgebench.unpack(`items-${number}`));
    }
    return this.blocks.get(number);
  }

  async entry(at) {
    return (await this.block(this.items.block[at]))[this.items.at[at]];
  }

  has(run, at) {
    return this.results[run].calls[at] !== null;
  }

  // The messages of a call, made of its wording and the item's texts.
  messages(entry, call) {
    if (call.wording === undefined) return null;
    const of = {
      p: (turn) => entry.prompt[turn][1],
      s: (slot, turn) => entry.completions[call.order[slot]][turn][1],
      r: () => entry.reference,
      u: () => entry.rubric,
      e: (number) => call.earlier[number],
    };
    return this.wordings[call.wording].map(([role, parts]) => [
      role, parts.map((part) => (typeof part === "string" ? part : of[part[0]](...part.slice(1)))).join(""),
    ]);
  }

  right(run, at) {
    const credit = this.results[run].credit[at];
    return credit === null ? "unscored" : credit >= 1 ? "right" : credit <= 0 ? "wrong" : "partly";
  }

  failed(run, at) {
    return (this.results[run].failures[at] || []).map((kind) => this.kinds[kind]);
  }

  // Whether two runs with a verdict on an item say something else: another answer, or, without answers, another credit.
  differ(first, second, at) {
    const [a, b] = [this.results[first], this.results[second]];
    if (!a.verdicts[at] || !b.verdicts[at]) return false; // a failure is no opinion
    if (a.choice[at] !== null && b.choice[at] !== null) return a.choice[at] !== b.choice[at];
    return a.credit[at] !== b.credit[at];
  }

  // How much two runs differ on an item: by credit above all, then by answer, failures and orders.
  distance(first, second, at) {
    const [a, b] = [this.results[first], this.results[second]];
    const credit = Math.abs((a.credit[at] ?? 0) - (b.credit[at] ?? 0));
    const failures = String(a.failures[at] || "") !== String(b.failures[at] || "");
    return credit * 100 + this.differ(first, second, at) * 10 + failures * 3 + (a.split[at] !== b.split[at]);
  }

  judgesDisagree(at) {
    return this.runs.some((_, second) => this.runs.some((_, first) => first < second && this.differ(first, second, at)));
  }

  labelled(at) {
    return this.items.labelled[at] === 1;
  }

  // Of the good judges of an item's benchmark that have a verdict on it, the share whose verdict is not its label.
  against(at) {
    const credits = this.good.filter((run) => this.runs[run].bench === this.items.bench[at] && this.results[run].verdicts[at])
      .map((run) => this.results[run].credit[at]).filter((credit) => credit !== null);
    return credits.length ? credits.filter((credit) => credit < 0.5).length / credits.length : 0;
  }

  // The items that fit what is asked for, texts aside.
  fitting(asked) {
    const found = [];
    const { run, beside } = asked;
    for (let at = 0; at < this.count; at += 1) {
      if (!this.has(run, at) || (beside !== null && !this.has(beside, at))) continue;
      if (asked.subset && this.subsets[this.items.subset[at]] !== asked.subset) continue;
      if (asked.right && this.right(run, at) !== asked.right) continue;
      if (asked.failure && !this.fails(asked, at)) continue;
      if (asked.orders && !this.results[run].split[at]) continue;
      if (asked.suspect && !(this.labelled(at) && this.against(at) > 0.5)) continue;
      if (asked.judges && !(beside === null ? this.judgesDisagree(at) : this.differ(run, beside, at))) continue;
      found.push(at);
    }
    return this.sorted(found, asked);
  }

  fails(asked, at) {
    const kinds = this.failed(asked.run, at);
    return asked.failure === "any" ? kinds.length > 0 : kinds.includes(asked.failure);
  }

  sorted(found, { run, beside, sort, suspect }) {
    const of = this.results[run];
    const by = suspect && !sort ? (at) => -this.against(at) : {
      differ: beside === null ? null : (at) => -this.distance(run, beside, at),
      wrong: (at) => of.credit[at] ?? 2,
      cost: (at) => -(of.cost[at] ?? -1),
      latency: (at) => -(of.latency[at] ?? -1),
    }[sort];
    if (!by) return found;
    const keys = new Map(found.map((at) => [at, by(at)]));
    return found.sort((a, b) => keys.get(a) - keys.get(b) || a - b);
  }

  // Of the given items those in whose texts the words stand, found block by block so that the page stays awake.
  async search(found, text, runs, going) {
    const wanted = text.toLowerCase();
    const byBlock = new Map();
    for (const at of found) {
      const block = this.items.block[at];
      if (!byBlock.has(block)) byBlock.set(block, []);
      byBlock.get(block).push(at);
    }
    const kept = new Set();
    let awake = performance.now();
    for (const [number, among] of byBlock) {
      const block = await this.block(number);
      if (!going()) return null;
      for (const at of among) if (this.says(at, block[this.items.at[at]], wanted, runs)) kept.add(at);
      if (performance.now() - awake > 40) {
        await new Promise((done) => setTimeout(done));
        awake = performance.now();
        if (!going()) return null;
      }
    }
    return found.filter((at) => kept.has(at));
  }

  says(at, entry, wanted, runs) {
    const holds = (text) => typeof text === "string" && text.toLowerCase().includes(wanted);
    if (holds(this.items.id[at]) || entry.prompt.some(([, text]) => holds(text))) return true;
    if (entry.completions.some((turns) => turns.some(([, text]) => holds(text)))) return true;
    if (holds(entry.reference) || holds(entry.rubric)) return true;
    return runs.some((run) => (entry.runs[run]?.calls ?? []).some((call) => holds(call.reply) || holds(call.thinking) || holds(call.failure?.[1])));
  }
};
