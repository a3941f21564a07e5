"use strict";
(() => {
  const one = (query) => document.querySelector(query);
  const all = (query, within = document) => [...within.querySelectorAll(query)];
  const root = document.documentElement;

  // --- light and dark: as the system is, until the button is pressed
  const theme = one("#theme");
  const system = matchMedia("(prefers-color-scheme: dark)");
  const isDark = () => (root.dataset.theme || (system.matches ? "dark" : "light")) === "dark";
  const announce = () => theme.setAttribute("aria-pressed", String(isDark()));
  theme.addEventListener("click", () => {
    root.dataset.theme = isDark() ? "light" : "dark";
    announce();
  });
  system.addEventListener("change", announce);
  announce();
  theme.hidden = false;

  // --- folding
  const fold = (details, open) => details.forEach((each) => { each.open = open; });
  const target = () => {
    const found = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
    if (found && found.matches(".group")) {
      if (found.hidden) clear();
      found.open = true;
      found.scrollIntoView();
      found.querySelector("summary").focus({ preventScroll: true });
      return;
    }
    if (!found || !found.closest("tr")) return;
    if (found.hidden) clear();
    fold([found.closest(".group")], true);
    fold(all("details", found).slice(0, 1), true);
    found.scrollIntoView({ block: "center" });
    const summary = found.querySelector("summary");
    if (summary) summary.focus({ preventScroll: true });
  };

  // --- searching and filtering
  const tools = one("#tools");
  let clear = () => {};
  if (tools) {
    const rows = all(".rows > tbody > tr");
    const parts = all(".part").map((part) => [part, all("tbody > tr[id]", part)]);
    const groups = all(".group").map((group) => [group, all(".part", group), group.open]);
    const find = one("#find");
    const chips = all(".chip");
    const unfold = one("#unfold");
    const clearing = one("#clear");
    const texts = [];
    // A row is also found by the object that it is below.
    const textOf = (at) => {
      if (texts[at] === undefined) {
        const title = rows[at].closest(".group").querySelector(".title").textContent;
        texts[at] = `${title}/${rows[at].textContent}`.toLowerCase();
      }
      return texts[at];
    };
    // the texts are made while the browser is idle
    const idle = window.requestIdleCallback || ((later) => setTimeout(() => later({ timeRemaining: () => 8 }), 50));
    const index = (from) => idle((deadline) => {
      let at = from;
      do {
        for (const end = Math.min(at + 100, rows.length); at < end; at += 1) textOf(at);
      } while (at < rows.length && deadline.timeRemaining() > 4);
      if (at < rows.length) index(at);
    });
    index(0);
    const pressed = () => {
      const wanted = new Map();
      for (const chip of chips) {
        if (chip.getAttribute("aria-pressed") !== "true") continue;
        const key = chip.closest(".filter").dataset.filter;
        wanted.set(key, (wanted.get(key) || new Set()).add(chip.dataset.key));
      }
      return [...wanted];
    };
    let narrowed = false;
    const apply = () => {
      const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
      const wanted = pressed();
      let count = 0;
      rows.forEach((row, at) => {
        const fits = wanted.every(([key, keys]) => keys.has(row.dataset[key])) && words.every((word) => textOf(at).includes(word));
        if (row.hidden === fits) row.hidden = !fits;
        count += fits;
      });
      for (const [part, inside] of parts) part.hidden = inside.every((row) => row.hidden);
      const before = narrowed;
      narrowed = wanted.length + words.length > 0;
      for (const each of groups) {
        const [group, inside] = each;
        group.hidden = inside.every((part) => part.hidden);
        if (narrowed && !before) each[2] = group.open;
        if (narrowed) group.open = true;
        else if (before) group.open = each[2];
      }
      // what was found begins below the tools, wherever the page had been scrolled to
      const area = one("#rows");
      if (narrowed && area.getBoundingClientRect().top < 0) area.scrollIntoView();
      one("#shown").textContent = count.toLocaleString("en");
      one("#none").hidden = count > 0;
      if (clearing) clearing.hidden = !wanted.length && !words.length;
    };
    clear = () => {
      find.value = "";
      chips.forEach((chip) => chip.setAttribute("aria-pressed", "false"));
      apply();
    };
    let waiting = 0;
    find.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(apply, 100);
    });
    for (const chip of chips) {
      chip.addEventListener("click", () => {
        chip.setAttribute("aria-pressed", String(chip.getAttribute("aria-pressed") !== "true"));
        apply();
      });
    }
    const clearAndStay = () => { clear(); find.focus(); };
    if (clearing) clearing.addEventListener("click", clearAndStay);
    one("#all").addEventListener("click", clearAndStay);
    unfold.addEventListener("click", () => {
      const open = unfold.getAttribute("aria-pressed") !== "true";
      unfold.setAttribute("aria-pressed", String(open));
      unfold.textContent = open ? "Fold all" : "Unfold all";
      fold(all(".group"), open);
      fold(all(".rows > tbody > tr:not([hidden]) details"), open);
    });
    document.addEventListener("keydown", (event) => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const typing = event.target.matches("input, textarea, select");
      if (event.key === "/" && !typing) {
        event.preventDefault();
        find.focus();
        find.select();
      } else if (event.key === "Escape" && (typing || clearing && !clearing.hidden)) {
        event.preventDefault();
        clear();
      }
    });
    one("#shown").textContent = rows.length.toLocaleString("en");
    tools.hidden = false;
    all(".keys").forEach((keys) => { keys.hidden = false; });
  }
  addEventListener("hashchange", target);
  // a link that is followed again does not change the hash
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    if (!link || link.hash !== location.hash || !/^#(step|group|resource)-/.test(link.hash)) return;
    event.preventDefault();
    target();
  });
  target();

  // --- the command to type next
  const copy = one("#copy");
  if (copy) {
    const command = one("#command");
    copy.addEventListener("click", () => {
      getSelection().selectAllChildren(command);
      const done = () => { copy.textContent = "Copied"; };
      if (navigator.clipboard) navigator.clipboard.writeText(command.textContent).then(done, () => {});
      else if (document.execCommand("copy")) done();
    });
    copy.hidden = false;
  }

  // --- paper shows everything that is not filtered away
  let closed = [];
  addEventListener("beforeprint", () => {
    closed = all(".group:not([open], [hidden]), .diagnostic details:not([open]), tr:not([hidden]) details:not([open])");
    fold(closed, true);
  });
  addEventListener("afterprint", () => fold(closed, false));

  // --- the drawing: what a step depends on, and what depends on it; the table says the same
  const picture = one(".picture");
  if (picture) {
    const nodes = new Map(all(".node", picture).map((node) => [node.dataset.key, node]));
    const edges = all(".edge", picture);
    let lit = [];
    const light = (node) => {
      lit.forEach((each) => each.classList.remove("lit"));
      lit = [];
      if (!node) return;
      const key = node.dataset.key;
      const near = edges.filter((edge) => edge.dataset.from === key || edge.dataset.to === key);
      lit = [node, ...near, ...near.map((edge) => nodes.get(edge.dataset.from === key ? edge.dataset.to : edge.dataset.from))];
      lit.forEach((each) => each.classList.add("lit"));
    };
    picture.addEventListener("pointerover", (event) => light(event.target.closest(".node")));
    picture.addEventListener("pointerleave", () => light(null));
    picture.addEventListener("click", (event) => {
      const node = event.target.closest(".node");
      const step = node && node.querySelector(".node-number").textContent;
      if (step) location.hash = `step-${step}`;
    });
  }
})();
