"use strict";
// Markdown as elements, on request: headings, lists, quotes, code, bold and italic. HTML in it stays text, and a link is
// its words and its address, which leads nowhere.
judgebench.markdown = (() => {
  const { el, visible } = judgebench;
  const INLINE = /(`+)(.+?)\1|\*\*(?=\S)(.+?\S?)\*\*|__(?=\S)(.+?\S?)__|\*(?=[^\s*])([^*]*[^\s*])\*|!?\[([^\]\n]*)\]\(([^()\s]*)\)/;
  const DEEPEST = 6;

  function inline(text, place, depth = 0) {
    let rest = text;
    while (rest) {
      const found = depth < DEEPEST ? INLINE.exec(rest) : null;
      if (!found) break;
      if (found.index) place.append(visible(rest.slice(0, found.index)));
      const [whole, , code, bold, strong, italic, words, address] = found;
      if (code !== undefined) place.append(el("code", {}, visible(code)));
      else if (bold !== undefined || strong !== undefined) place.append(inline(bold ?? strong, el("strong"), depth + 1));
      else if (italic !== undefined) place.append(inline(italic, el("em"), depth + 1));
      else place.append(inline(words, el("span", { class: "linked" }), depth + 1), visible(` (${address})`));
      rest = rest.slice(found.index + whole.length);
    }
    if (rest) place.append(visible(rest));
    return place;
  }

  function list(lines, at, place, ordered) {
    const mark = ordered ? /^(\s*)\d{1,9}[.)]\s+/ : /^(\s*)[-*+]\s+/;
    const made = el(ordered ? "ol" : "ul");
    let next = at;
    while (next < lines.length && mark.test(lines[next])) {
      const item = [lines[next].replace(mark, "")];
      next += 1;
      while (next < lines.length && /^\s+\S/.test(lines[next]) && !mark.test(lines[next])) item.push(lines[next++].trim());
      made.append(inline(item.join("\n"), el("li")));
    }
    place.append(made);
    return next;
  }

  function fence(lines, at, place) {
    const mark = /^\s*(```+|~~~+)/.exec(lines[at])[1];
    let end = at + 1;
    while (end < lines.length && !lines[end].trim().startsWith(mark)) end += 1;
    place.append(el("pre", { class: "code" }, el("code", {}, visible(lines.slice(at + 1, end).join("\n")))));
    return end + 1;
  }

  const STARTS = /^\s*(```|~~~|#{1,6}\s|>|[-*+]\s|\d{1,9}[.)]\s|\|)/;

  function paragraph(lines, at, place) {
    let end = at + 1;
    while (end < lines.length && lines[end].trim() && !STARTS.test(lines[end])) end += 1;
    place.append(inline(lines.slice(at, end).join("\n"), el("p")));
    return end;
  }

  function table(lines, at, place) {
    let end = at;
    while (end < lines.length && lines[end].trim().startsWith("|")) end += 1;
    place.append(el("pre", { class: "code" }, visible(lines.slice(at, end).join("\n"))));
    return end;
  }

  function block(lines, at, place) {
    const line = lines[at];
    if (!line.trim()) return at + 1;
    if (/^\s*(```|~~~)/.test(line)) return fence(lines, at, place);
    const head = /^\s*#{1,6}\s+(.*)$/.exec(line);
    if (head) {
      place.append(inline(head[1].replace(/\s#+\s*$/, ""), el("p", { class: "heading" })));
      return at + 1;
    }
    if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) {
      place.append(el("hr"));
      return at + 1;
    }
    if (/^\s*>/.test(line)) {
      let end = at;
      while (end < lines.length && /^\s*>/.test(lines[end])) end += 1;
      place.append(inline(lines.slice(at, end).map((each) => each.replace(/^\s*>\s?/, "")).join("\n"), el("blockquote")));
      return end;
    }
    if (/^\s*[-*+]\s+/.test(line)) return list(lines, at, place, false);
    if (/^\s*\d{1,9}[.)]\s+/.test(line)) return list(lines, at, place, true);
    if (line.trim().startsWith("|")) return table(lines, at, place);
    return paragraph(lines, at, place);
  }

  return (text) => {
    const place = el("div", { class: "markdown" });
    const lines = text.replaceAll("\r\n", "\n").split("\n");
    for (let at = 0; at < lines.length;) at = block(lines, at, place);
    return place;
  };
})();
