/* Small things that a page does by itself; every page works without them. */
"use strict";
(() => {
  const root = document.documentElement;
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme ? root.dataset.theme === "dark" : prefersDark.matches);

  function sayTheme() {
    for (const button of document.querySelectorAll("[data-theme-switch]")) {
      button.setAttribute("aria-pressed", String(isDark()));
    }
  }

  function switchTheme() {
    const next = isDark() ? "light" : "dark";
    root.dataset.theme = next;
    try { localStorage.setItem("theme", next); } catch (error) { /* it holds for this page */ }
    sayTheme();
    drawPlots(document);
  }

  const css = (name) => getComputedStyle(root).getPropertyValue(name).trim();

  const DAY = 86400;
  const second = (day) => Date.parse(day + "T00:00:00Z") / 1000;

  /* Every day of the period; what is still to come has no amount. */
  function seriesOf(figure) {
    const known = new Map(JSON.parse(figure.dataset.plot).map((one) => [second(one.day), one.micros / 1e6]));
    const last = Math.max(...known.keys());
    const at = [], daily = [], sums = [];
    let sum = 0;
    for (let day = second(figure.dataset.start); day < second(figure.dataset.end); day += DAY) {
      at.push(day);
      daily.push(known.get(day) ?? null);
      sum += known.get(day) ?? 0;
      sums.push(day <= last ? sum : null);
    }
    return [at, daily, sums];
  }

  function drawPlot(figure) {
    figure.replaceChildren();
    const data = seriesOf(figure);
    const axis = { stroke: css("--soft"), grid: { stroke: css("--line"), width: 1 }, ticks: { stroke: css("--line"), width: 1 }, font: "12px Inter, sans-serif" };
    const currency = figure.dataset.currency;
    const money = (_plot, value) => (value === null ? "" : value.toLocaleString("en", { maximumFractionDigits: 6 }) + " " + currency);
    new uPlot({
      width: figure.clientWidth, height: 200, tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "UTC"),
      cursor: { y: false, points: { size: 7 } }, legend: { live: true },
      scales: { x: { range: (_plot, low, high) => [low - DAY / 2, high + DAY / 2] }, y: { range: (_plot, _low, high) => [0, (high || 1) * 1.1] } },
      axes: [axis, { ...axis, size: 64 }],
      series: [
        { label: figure.dataset.day, value: "{YYYY}-{MM}-{DD}" },
        { label: figure.dataset.daily, fill: css("--accent"), stroke: css("--accent"), width: 0, value: money, paths: uPlot.paths.bars({ size: [0.6, 40] }), points: { show: false } },
        { label: figure.dataset.sum, stroke: css("--ink"), width: 1.5, value: money, points: { show: false } },
      ],
    }, data, figure);
  }

  function drawPlots(within) {
    if (typeof uPlot === "undefined") return;
    for (const figure of within.querySelectorAll("[data-plot]")) drawPlot(figure);
  }

  /* The page as it is now, put in the place of its parts that move. */
  async function renew(ids) {
    const answer = await fetch(location.href, { headers: { accept: "text/html" } });
    if (!answer.ok) return;
    const now = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of ids) {
      const fresh = now.getElementById(id), old = document.getElementById(id);
      if (fresh && old) old.replaceWith(document.adoptNode(fresh));
    }
  }

  function follow(part) {
    const events = new EventSource(part.dataset.live);
    let waiting = 0;
    const soon = () => { clearTimeout(waiting); waiting = setTimeout(() => renew([part.id, "position"]), 120); };
    events.addEventListener("fact", soon);
    events.addEventListener("end", () => { events.close(); soon(); });
    events.addEventListener("error", () => events.close());
  }

  function begin(within) {
    sayTheme();
    drawPlots(within);
    for (const part of within.querySelectorAll("[data-live]")) follow(part);
    for (const field of within.querySelectorAll("[data-copy]")) field.addEventListener("focus", () => field.select());
  }

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-theme-switch]")) switchTheme();
  });
  document.addEventListener("submit", (event) => {
    const asked = event.target.dataset.confirm;
    if (event.target.method === "get") {
      for (const field of event.target.elements) field.disabled = field.name !== "" && field.value === "";
    }
    if (asked && !confirm(asked)) event.preventDefault();
  });
  let drawn = 0;
  addEventListener("resize", () => { clearTimeout(drawn); drawn = setTimeout(() => drawPlots(document), 200); });
  prefersDark.addEventListener("change", () => { sayTheme(); drawPlots(document); });
  document.addEventListener("DOMContentLoaded", () => begin(document));
})();
