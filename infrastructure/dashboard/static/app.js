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
    const answer = await fetch(location.href, { headers: { accept: "text/html", "hx-request": "true" } });
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
    events.addEventListener("end", () => { events.close(); if (part.hasAttribute("data-then")) location.reload(); else soon(); });
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
  /* A form is sent while its page stays: what is wrong is said at its field, and nothing that was typed is lost. */
  async function send(form, button) {
    const told = new FormData(form, button);
    const address = button && button.hasAttribute("formaction") ? button.formAction : form.action;
    const body = form.enctype === "multipart/form-data" ? told : new URLSearchParams(told);
    for (const earlier of form.querySelectorAll(".note[role=alert]")) earlier.remove();
    for (const field of form.querySelectorAll("[aria-invalid]")) {
      field.removeAttribute("aria-invalid");
      field.removeAttribute("aria-describedby");
    }
    const answer = await fetch(address, { method: "POST", body });
    if (answer.redirected) return location.assign(answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const error = page.querySelector(".note[role=alert]");
    return answer.ok || !error ? show(page) : complain(form, document.adoptNode(error));
  }

  let isShown = false;

  /* A page that cannot be asked for again, as of a secret; going back leads to the one that it was asked from. */
  function show(page) {
    history.pushState(null, "");
    isShown = true;
    document.title = page.title;
    document.body.replaceWith(document.adoptNode(page.body));
    if (typeof htmx !== "undefined") htmx.process(document.body);
    begin(document);
    scrollTo(0, 0);
    (document.querySelector("[autofocus]") || document.getElementById("main")).focus();
  }

  function complain(form, error) {
    const name = error.dataset.field;
    const named = name && (form.elements.namedItem(name) || form.querySelector(`[data-of="${name}"]`));
    const field = named instanceof HTMLElement && named.type !== "hidden" ? named : null;
    error.id = "wrong";
    if (field) {
      field.setAttribute("aria-invalid", "true");
      field.setAttribute("aria-describedby", error.id);
      field.after(error);
      field.focus();
    } else {
      (form.querySelector("[aria-live]") || form).prepend(error);
      error.scrollIntoView({ block: "nearest" });
    }
  }

  function unreached(form) {
    const error = document.createElement("div"), said = document.createElement("p");
    said.textContent = document.getElementById("main").dataset.unreached;
    error.append(said);
    error.className = "note bad";
    error.role = "alert";
    complain(form, error);
  }

  /* The forms of a page with a menu; whoever logs in or out leaves the page in any case. */
  const stays = (form) => form.method === "post" && form.closest("main") && document.querySelector("nav.menu");

  document.addEventListener("submit", (event) => {
    const form = event.target, asked = form.dataset.confirm;
    if (form.method === "get") {
      for (const field of form.elements) field.disabled = field.name !== "" && field.value === "";
    }
    if (asked && !confirm(asked)) return event.preventDefault();
    if (!stays(form)) return undefined;
    event.preventDefault();
    if (form.ariaBusy === "true") return undefined;
    form.ariaBusy = "true";
    return send(form, event.submitter).catch(() => unreached(form)).finally(() => { form.ariaBusy = "false"; });
  });
  addEventListener("popstate", () => { if (isShown) location.reload(); });
  let drawn = 0;
  addEventListener("resize", () => { clearTimeout(drawn); drawn = setTimeout(() => drawPlots(document), 200); });
  prefersDark.addEventListener("change", () => { sayTheme(); drawPlots(document); });
  document.addEventListener("DOMContentLoaded", () => begin(document));
})();
