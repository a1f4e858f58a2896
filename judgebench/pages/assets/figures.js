"use strict";
// What the figures give out: their data as CSV, and their plots as pictures of their own.
(() => {
  const { unpack, has, csv, download, ready, sortable } = judgebench;
  const WIDTH = 900;
  const STYLED = ["fill", "stroke", "stroke-width", "stroke-dasharray", "font-size", "font-weight", "font-family", "text-anchor", "opacity", "paint-order"];

  const made = (name, attributes = {}) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
    return node;
  };

  // A drawing with the colours that it has on the screen, without classes.
  function drawn(from) {
    const copy = from.cloneNode(true);
    const originals = [from, ...from.querySelectorAll("*")];
    [copy, ...copy.querySelectorAll("*")].forEach((node, at) => {
      const style = getComputedStyle(originals[at]);
      for (const name of STYLED) if (style.getPropertyValue(name)) node.setAttribute(name, style.getPropertyValue(name));
      if (style.display === "none") node.dataset.unseen = "";
      for (const name of ["class", "style"]) node.removeAttribute(name);
    });
    for (const node of copy.querySelectorAll("[data-unseen]")) node.remove();
    return copy;
  }

  // What the colours stand for, line by line; gives the height that they take.
  function legend(whole, plot) {
    let [x, y] = [0, 4];
    for (const key of plot.querySelectorAll(".keys:not(.narrow) li")) {
      const { width } = key.getBoundingClientRect();
      if (x + width > WIDTH && x > 0) [x, y] = [0, y + 22];
      const place = made("svg", { x: x + 6, y, overflow: "visible" });
      const words = made("text", { x: 22, y: 13, "font-size": 13, "font-family": "sans-serif", fill: getComputedStyle(key).color });
      words.textContent = key.textContent;
      place.append(drawn(key.querySelector("svg")), words);
      whole.append(place);
      x += width + 24;
    }
    return x > 0 ? y + 26 : 0;
  }

  // A plot as a file, as wide as a page.
  function picture(plot, title) {
    const chart = plot.querySelector("svg.chart");
    const [left, right] = ["--left", "--right"].map((name) => parseInt(chart.style.getPropertyValue(name), 10));
    const whole = made("svg", { xmlns: "http://www.w3.org/2000/svg", width: WIDTH });
    const ground = made("rect", { width: "100%", height: "100%", fill: getComputedStyle(plot.closest(".figure")).backgroundColor });
    const said = made("title");
    said.textContent = title;
    whole.append(said, ground);
    const top = legend(whole, plot);
    const copy = drawn(chart);
    for (const [name, value] of Object.entries({ x: left, y: top, width: WIDTH - left - right, overflow: "visible" })) copy.setAttribute(name, value);
    whole.append(copy);
    whole.setAttribute("height", top + Number(chart.getAttribute("height")));
    return new XMLSerializer().serializeToString(whole);
  }

  ready(async () => {
    if (!has("figures")) return;
    const figures = new Map((await unpack("figures")).map((each) => [each.id, each]));
    for (const button of document.querySelectorAll("button.csv")) {
      const { id, columns, rows } = figures.get(button.dataset.figure);
      button.addEventListener("click", () => download(`${id}.csv`, "text/csv;charset=utf-8", csv(columns, rows)));
    }
    for (const button of document.querySelectorAll("button.svg")) {
      const figure = button.closest(".figure");
      button.addEventListener("click", () => {
        download(`${figure.id}.svg`, "image/svg+xml", picture(figure.querySelector(".plot"), figure.querySelector("h3").textContent));
      });
    }
    document.querySelectorAll(".figure .scroll > table").forEach(sortable);
    // On paper a table that is folded would be lost.
    const folded = new Set();
    addEventListener("beforeprint", () => {
      for (const each of document.querySelectorAll(".view:not([hidden]) details.table:not([open])")) {
        folded.add(each);
        each.open = true;
      }
    });
    addEventListener("afterprint", () => {
      for (const each of folded) each.open = false;
      folded.clear();
    });
  });
})();
