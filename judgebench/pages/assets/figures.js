"use strict";
// Draws the figures when they come into view, in the page's colours, and gives out their data.
(() => {
  const { unpack, load, has, el, csv, download, isDark, oneLine, ready } = judgebench;
  // Colours that are told apart by people who see few of them (Okabe and Ito 2008), darkened or lightened for contrast.
  const RUNS = {
    light: ["#0b63a8", "#c2410c", "#0f7b57", "#9c3d8a", "#8a6a00", "#3f6fb5", "#a3261d", "#4b5563"],
    dark: ["#6db6f2", "#ff9a5c", "#5fd0a5", "#e59ad6", "#e0c04a", "#9cc3ff", "#ff8f86", "#b6bfc9"],
  };
  const SYMBOLS = ["circle", "square", "diamond", "triangle-up", "cross", "x", "star", "hexagon"];
  const SIGNS = ["\u25cf", "\u25a0", "\u25c6", "\u25b2", "\u271a", "\u2716", "\u2605", "\u2b22"];

  const PAPER = { ink: "#000", soft: "#444", line: "#bbb", card: "#fff", accent: RUNS.light[0] };
  // In CSS pixels, 96 an inch, within a printer's usual margins and the figure's own frame.
  const SHEET = { width: 660, height: 800 };

  function shades(printing) {
    if (printing) return PAPER;
    const style = getComputedStyle(document.documentElement);
    const of = (name) => style.getPropertyValue(`--${name}`).trim();
    return { ink: of("ink"), soft: of("soft"), line: of("line"), card: of("card"), accent: of("accent") };
  }

  function colour(run, printing) {
    const palette = RUNS[isDark() && !printing ? "dark" : "light"];
    return palette[run % palette.length];
  }

  // Of the 9th run on, colours come again with other symbols.
  function kind(run = 0) {
    return (run + Math.floor(run / RUNS.light.length)) % SYMBOLS.length;
  }

  function colourOf(trace, shade, printing) {
    return trace.run === undefined ? shade[trace.shade] ?? shade.accent : colour(trace.run, printing);
  }

  function dressed(trace, shade, printing) {
    const own = colourOf(trace, shade, printing);
    const symbol = SYMBOLS[kind(trace.run)];
    const { run, shade: _, ...made } = structuredClone(trace);
    for (const name of ["name", "text"]) if (made[name] !== undefined) made[name] = escaped(made[name]);
    if (made.type === "heatmap") {
      made.colorscale = [[0, shade.card], [1, shade.accent]];
      return { xgap: 2, ygap: 2, ...made, showlegend: false };
    }
    made.marker = { color: own, ...(made.type === "bar" ? {} : { symbol, size: 9 }), ...made.marker };
    if (made.mode?.includes("lines")) made.line = { color: own, width: 2, ...made.line };
    for (const side of ["error_x", "error_y"]) if (made[side]) made[side] = { color: own, thickness: 1.6, width: 4, ...made[side] };
    return made;
  }

  // plotly.js reads tags in texts; names from data are text.
  function escaped(value) {
    if (Array.isArray(value)) return value.map(escaped);
    return typeof value === "string" ? oneLine(value).replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;") : value;
  }

  // Without its middle: names often differ only at their ends.
  function shortened(text, most) {
    const signs = [...String(text)];
    const end = Math.floor((most - 1) / 2);
    return signs.length > most ? `${signs.slice(0, most - 1 - end).join("")}\u2026${signs.slice(-end).join("")}` : text;
  }

  // Names beside an axis, short enough to leave room for the plot.
  function named(own) {
    if (!own.ticktext) return own;
    const most = innerWidth < 600 ? 16 : 36;
    return { ...own, ticktext: own.ticktext.map((text) => escaped(shortened(text, most))) };
  }

  function axis(shade, own = {}) {
    const line = { gridcolor: shade.line, zerolinecolor: shade.line, linecolor: shade.line, automargin: true };
    return { ...line, ...named(own), title: { font: { color: shade.soft, size: 13 }, ...(own.title ?? {}) } };
  }

  function layout(figure, shade) {
    const own = structuredClone(figure.layout);
    const axes = Object.fromEntries(
      ["xaxis", "yaxis", ...Object.keys(own).filter((name) => /^[xy]axis\d/.test(name))].map((name) => [name, axis(shade, own[name])]),
    );
    return {
      paper_bgcolor: "rgba(0,0,0,0)", plot_bgcolor: "rgba(0,0,0,0)", font: { color: shade.ink, family: "system-ui, sans-serif", size: 13 },
      margin: { l: 10, r: 14, t: 10, b: 40 }, hovermode: "closest", dragmode: false, autosize: true,
      ...own, ...axes,
      shapes: (own.shapes ?? []).map((shape) => ({ ...shape, line: { color: shade.soft, width: 1.4, dash: "dot", ...shape.line } })),
      showlegend: false,
    };
  }

  // On paper nothing scrolls and nothing may be cut: as wide as A4 and Letter have room for, and no higher than a page.
  function onPaper(figure) {
    return { autosize: false, width: SHEET.width, height: Math.min(figure.layout.height ?? 420, SHEET.height) };
  }

  async function draw(place, figure, printing = false) {
    await load("plotly");
    const shade = shades(printing);
    const traces = figure.traces.map((trace) => dressed(trace, shade, printing));
    const whole = { ...layout(figure, shade), ...(printing ? onPaper(figure) : {}) };
    await Plotly.react(place, traces, whole, { displaylogo: false, responsive: true, displayModeBar: false });
    place.dataset.drawn = "yes";
    performance.mark("judgebench:drawn");
  }

  // What the colours and signs stand for, above the plot: it wraps where a legend inside would take the plot's room.
  function explain(place, figure, shade, printing) {
    const named = figure.traces.filter((trace) => trace.name && trace.showlegend !== false && trace.type !== "heatmap");
    const keys = named.map((trace) => {
      const sign = trace.mode === "lines" ? "\u254c" : trace.marker?.symbol?.startsWith("line") ? "\u2503" : trace.type === "bar" ? "\u25a0" : SIGNS[kind(trace.run)];
      const mark = el("span", { class: "sign", "aria-hidden": "true" }, sign);
      mark.style.color = colourOf(trace, shade, printing);
      return el("li", {}, mark, oneLine(trace.name));
    });
    place.previousElementSibling?.matches(".keys") && place.previousElementSibling.remove();
    if (keys.length) place.before(el("ul", { class: "keys" }, ...keys));
  }

  // As a picture of its own, with its legend inside.
  async function picture(figure) {
    await load("plotly");
    const shade = shades();
    const data = figure.traces.map((trace) => dressed(trace, shade, false));
    const legend = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom" };
    const whole = { ...layout(figure, shade), showlegend: data.some((trace) => trace.name && trace.showlegend !== false), legend, paper_bgcolor: shade.card };
    const address = await Plotly.toImage({ data, layout: whole }, { format: "svg", width: 900, height: (figure.layout.height ?? 420) + 60 });
    return decodeURIComponent(address.split(",").slice(1).join(","));
  }

  ready(async () => {
    if (!has("figures")) return;
    const figures = new Map((await unpack("figures")).map((each) => [each.id, each]));
    for (const button of document.querySelectorAll("button.csv")) {
      const { id, columns, rows } = figures.get(button.dataset.figure);
      button.addEventListener("click", () => download(`${id}.csv`, "text/csv;charset=utf-8", csv(columns, rows)));
    }
    for (const button of document.querySelectorAll("button.svg")) {
      const place = document.querySelector(`.plot[data-figure="${button.dataset.figure}"]`);
      button.addEventListener("click", async () => {
        const figure = figures.get(place.dataset.figure);
        download(`${figure.id}.svg`, "image/svg+xml", await picture(figure));
      });
    }
    const places = [...document.querySelectorAll(".plot")];
    if (!places.length || !has("library-plotly")) return;
    const legends = (printing) => places.forEach((place) => explain(place, figures.get(place.dataset.figure), shades(printing), printing));
    // Room for each plot from the first, so that nothing moves when it is drawn.
    for (const place of places) place.style.minHeight = `${figures.get(place.dataset.figure).layout.height ?? 420}px`;
    legends(false);
    document.dispatchEvent(new CustomEvent("judgebench:laid"));
    const seen = new IntersectionObserver((entries) => {
      for (const entry of entries.filter((each) => each.isIntersecting && !each.target.dataset.drawn)) {
        draw(entry.target, figures.get(entry.target.dataset.figure));
      }
    }, { rootMargin: "400px" });
    places.forEach((place) => seen.observe(place));
    const again = (printing) => legends(printing) ?? Promise.all(
      places.filter((place) => printing || place.dataset.drawn).map((place) => draw(place, figures.get(place.dataset.figure), printing)),
    );
    document.addEventListener("judgebench:theme", () => again(false));
    judgebench.drawAll = () => again(true);
    // What was not in view yet is drawn for print, while there is time.
    addEventListener("beforeprint", () => again(true));
    addEventListener("afterprint", () => again(false));
  });
})();
