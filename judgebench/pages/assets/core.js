"use strict";
// What every page needs. Text from outside becomes text nodes, never HTML.
const judgebench = (() => {
  // The bytes of a block: base64 of gzip.
  async function bytesOf(name) {
    const node = document.getElementById(`data-${name}`);
    if (!node) throw new Error(`the page has no data named ${name}: the file is cut off`);
    const packed = atob(node.textContent);
    const bytes = new Uint8Array(packed.length);
    for (let at = 0; at < packed.length; at += 1) bytes[at] = packed.charCodeAt(at);
    return new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  }

  async function text(name) {
    return new Response(await bytesOf(name)).text();
  }

  async function unpack(name) {
    return JSON.parse(await text(name));
  }

  function has(name) {
    return document.getElementById(`data-${name}`) !== null;
  }

  // An element; properties that hold a dash are attributes, null ones are left out.
  function el(tag, properties = {}, ...children) {
    const node = document.createElement(tag);
    for (const [name, value] of Object.entries(properties)) {
      if (value === null || value === undefined || value === false) continue;
      if (name === "class") node.className = value;
      else if (name.includes("-") || name === "role" || name === "for") node.setAttribute(name, value);
      else node[name] = value;
    }
    node.append(...children.filter((child) => child !== null && child !== undefined));
    return node;
  }

  const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g;

  function writtenOut(character) {
    const code = character.charCodeAt(0);
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, "0")}` : `\\u${code.toString(16).padStart(4, "0")}`;
  }

  // Text with every character written out that could hide or reorder others.
  function visible(text) {
    const whole = document.createDocumentFragment();
    const clean = text.replaceAll("\r\n", "\n");
    let from = 0;
    for (const found of clean.matchAll(CONTROL)) {
      if (found.index > from) whole.append(clean.slice(from, found.index));
      whole.append(el("span", { class: "ctl" }, writtenOut(found[0])));
      from = found.index + found[0].length;
    }
    if (from < clean.length) whole.append(clean.slice(from));
    return whole;
  }

  function oneLine(text) {
    return text.replace(/\s+/g, " ").replace(CONTROL, writtenOut);
  }

  function cell(value) {
    if (value === null || value === undefined) return "";
    let said = String(value);
    // A spreadsheet would run a text that begins like a formula.
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(said)) said = `'${said}`;
    return /[",\n\r]/.test(said) ? `"${said.replaceAll('"', '""')}"` : said;
  }

  function csv(columns, rows) {
    return [columns, ...rows].map((row) => `${row.map(cell).join(",")}\r\n`).join("");
  }

  function download(name, kind, content) {
    const address = URL.createObjectURL(new Blob([content], { type: kind }));
    const link = el("a", { href: address, download: name.replace(/[^A-Za-z0-9._-]+/g, "-") });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(address), 60000);
  }

  function isDark() {
    const chosen = document.documentElement.dataset.theme;
    return chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  // Says on the page itself what went wrong, and leaves the error to the console.
  function failed(error) {
    const place = document.getElementById("broken");
    place.hidden = false;
    place.textContent = `This part of the page cannot be shown: ${error.message}`;
    throw error;
  }

  function ready(work) {
    const start = () => Promise.resolve().then(work).catch(failed);
    if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
    else start();
  }

  document.getElementById("theme")?.addEventListener("click", () => {
    document.documentElement.dataset.theme = isDark() ? "light" : "dark";
  });

  return { unpack, text, has, el, visible, oneLine, csv, download, isDark, ready };
})();
