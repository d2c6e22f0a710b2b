// The wall: rows as they change, what needs somebody, filters, and moving about by keys. The server has drawn all of it once;
// text is only ever set as text.
"use strict";

(() => {
  const RANKS = { down: 0, degraded: 1, unknown: 2, maintenance: 3, up: 4 }, LISTED = 60;
  const { words, say, handlers } = TSLCD;
  const grid = document.getElementById("tiles"), list = document.getElementById("needs"), about = document.getElementById("about");
  const form = document.getElementById("filters"), find = document.getElementById("q"), clear = document.getElementById("clear");
  const links = Array.from(grid.querySelectorAll(".c")), byId = new Map(links.map((link) => [link.id.slice(2), link]));
  const tiles = Array.from(grid.children).map((element) => ({
    element, links: Array.from(element.querySelectorAll(".c")), label: element.querySelector("h3"), note: element.querySelector("p"),
  }));
  const tileOf = new Map(tiles.flatMap((tile) => tile.links.map((link) => [link, tile])));
  const entries = new Map(); // what needs somebody, by what it says
  const stateOf = (link) => link.classList[1];
  const nameOf = (link) => link.firstElementChild.firstChild.data.replace(/: $/, "");
  const make = (tag, name, text) => Object.assign(document.createElement(tag), { className: name, textContent: text });

  // -- finding: names.py has the same rules
  const TONES = /[\u0300\u0309\u0303\u0301\u0323]/g;
  const bare = (text) => text.normalize("NFD").replace(/[\u0300-\u036f]/g, "").replace(/đ/g, "d");
  const part = (word) => {
    const letters = word.normalize("NFD");
    return { plain: letters.replace(TONES, "").normalize("NFC"), tones: letters.match(TONES) || [] };
  };
  const parts = (text) => text.toLowerCase().split(/\s+/).filter(Boolean).map(part);
  const texts = new Map(links.map((link) => {
    const tile = tileOf.get(link);
    return [link, parts([tile.label.textContent, tile.element.dataset.site, link.id.slice(2), nameOf(link), link.dataset.a, link.dataset.o].join(" "))];
  }));
  const matches = (word, one) =>
    (bare(word.plain) === word.plain ? bare(one.plain) : one.plain).includes(word.plain) && word.tones.every((tone) => one.tones.includes(tone));

  function filter() {
    const chosen = Object.fromEntries(new FormData(form)), query = parts(chosen.q);
    let any = false;
    for (const link of links) {
      const hidden = Boolean((chosen.state && stateOf(link) !== chosen.state) || (chosen.party && link.dataset.p !== chosen.party)
        || (chosen.operator && link.dataset.o !== chosen.operator)
        || !query.every((word) => texts.get(link).some((one) => matches(word, one))));
      if (link.hidden !== hidden) link.hidden = hidden;
      any = any || !hidden;
    }
    for (const tile of tiles) {
      const hidden = tile.links.every((link) => link.hidden);
      if (tile.element.hidden !== hidden) tile.element.hidden = hidden;
    }
    document.getElementById("no-match").hidden = any || !links.length;
    clear.hidden = !Object.values(chosen).some(Boolean);
    for (const total of document.querySelectorAll(".total")) {
      if (total.dataset.state === chosen.state) total.setAttribute("aria-current", "true"); else total.removeAttribute("aria-current");
    }
    needs();
    rove(document.activeElement && document.activeElement.closest("#tiles .c"));
  }

  function remember() {
    const chosen = Array.from(new FormData(form)).filter(([, value]) => value);
    history.replaceState(null, "", chosen.length ? `?${new URLSearchParams(chosen)}` : location.pathname);
    filter();
  }

  // -- drawing
  function needs() {
    const alike = new Map();
    for (const tile of tiles) {
      for (const link of tile.links) {
        if (link.hidden || link.dataset.p === "none") continue;
        const key = [tile.element.dataset.site, stateOf(link), link.dataset.r, link.dataset.p, link.dataset.m || ""].join("|");
        const one = alike.get(key);
        if (one) {
          one.links.push(link);
          one.since = Math.min(one.since, Number(link.dataset.t));
        } else alike.set(key, { key, tile, links: [link], since: Number(link.dataset.t) });
      }
    }
    const wanted = Array.from(alike.values())
      .sort((a, b) => RANKS[stateOf(a.links[0])] - RANKS[stateOf(b.links[0])] || a.since - b.since);
    document.getElementById("needs-count").textContent = wanted.length;
    const shown = wanted.slice(0, LISTED).map(entry), focused = document.activeElement;
    const kept = new Set(wanted.slice(0, LISTED).map((one) => one.key));
    for (const key of entries.keys()) if (!kept.has(key)) entries.delete(key);
    if (wanted.length > LISTED) shown.push(make("li", "nothing", say("beyond", { count: wanted.length - LISTED })));
    if (!wanted.length) shown.push(make("li", "nothing", say("nothing")));
    if (shown.length !== list.children.length || shown.some((item, index) => item !== list.children[index])) {
      list.replaceChildren(...shown);
      if (focused && list.contains(focused)) focused.focus();
    }
    fit();
  }

  // On a wall the list has the height of the screen and shows whole entries only; what it does not show is counted below it.
  const rest = document.getElementById("needs-rest");
  function fit() {
    const items = Array.from(list.children), box = (item) => item.firstElementChild || item;
    rest.hidden = true;
    const long = list.scrollHeight > list.clientHeight + 1;
    rest.hidden = !long;
    rest.textContent = say("more", { count: 0 }); // has its height before anything is measured
    const top = list.scrollTop - 1, bottom = top + list.clientHeight + 2;
    for (const item of items) {
      const whole = item.offsetTop >= top && item.offsetTop + box(item).offsetHeight <= bottom;
      item.classList.toggle("cut", long && !whole);
    }
    if (!long) return;
    const seen = items.filter((item) => !item.classList.contains("cut")), above = items.indexOf(seen[0]);
    const counted = Number(document.getElementById("needs-count").textContent), end = seen.at(-1) === items.at(-1);
    const below = end ? 0 : counted - above - seen.length;
    rest.textContent = [above > 0 && say("above", { count: above }), below > 0 && say("more", { count: below })].filter(Boolean).join(" · ");
  }
  list.addEventListener("scroll", fit, { passive: true });
  list.addEventListener("focusin", (event) => event.target.closest("li").scrollIntoView({ block: "nearest" }));
  new ResizeObserver(fit).observe(list);

  function entry(one) {
    const first = one.links[0], count = one.links.length;
    let item = entries.get(one.key);
    if (!item) {
      const state = stateOf(first), link = make("a", "", ""), where = make("b", "where", ""), why = make("span", "why", "");
      where.append(...Array.from(one.tile.label.childNodes, (node) => node.cloneNode(true)));
      why.append(make("strong", "", words.brief[state]), ": ", words.reason[first.dataset.r] || first.dataset.r);
      link.append(make("span", `sign ${state}`, ""), where, " ", make("span", "what", ""), " ", why, " ", make("span", "who", words.party[first.dataset.p]));
      link.firstChild.setAttribute("aria-hidden", "true");
      if (first.dataset.m) link.append(" ", make("span", "mark", `✓ ${first.dataset.m}`));
      link.append(" ", make("time", "", ""));
      item = make("li", `need ${state}`, "");
      item.append(link);
      entries.set(one.key, item);
    }
    const link = item.firstElementChild;
    link.href = first.href;
    link.querySelector(".what").textContent = count > 1 ? `${count} ${say("channels")}` : first.dataset.o;
    const time = link.querySelector("time");
    time.dataset.since = one.since;
    tell(time, TSLCD.now());
    return item;
  }

  function tell(time, now) {
    const at = Number(time.dataset.since), lasts = TSLCD.duration(now - at);
    const text = time.closest(".tile") ? lasts.split(" ").slice(0, 2).join(" ") : `${TSLCD.since(at)} · ${lasts}`;
    if (time.textContent !== text) time.textContent = text;
  }

  function drawTile(tile) {
    if (!tile.links.length) return;
    const worst = tile.links.reduce((a, b) => (RANKS[stateOf(b)] < RANKS[stateOf(a)] ? b : a)), state = stateOf(worst);
    tile.element.className = `tile ${state}${tile.links.some((link) => stateOf(link) !== state) ? " part" : ""}`;
    tile.note.textContent = "";
    if (state === "up") return;
    const time = make("time", "", "");
    time.dataset.since = Math.min(...tile.links.filter((link) => stateOf(link) === state).map((link) => Number(link.dataset.t)));
    tile.note.append(`${words.brief[state]} `, time);
    tell(time, TSLCD.now());
  }

  function drawTotals() {
    const counts = {};
    for (const link of links) counts[stateOf(link)] = (counts[stateOf(link)] || 0) + 1;
    for (const total of document.querySelectorAll(".total")) {
      const count = counts[total.dataset.state] || 0;
      total.querySelector("b").textContent = count;
      total.classList.toggle("none", !count);
    }
    if (!links.length) return;
    const share = 100 * (1 - (counts.unknown || 0) / links.length);
    const text = share < 100 && share > 99.9 ? "99.9" : String(Number(share.toPrecision(3)));
    document.getElementById("coverage").textContent = `${document.documentElement.lang === "vi" ? text.replace(".", ",") : text} %`;
  }

  handlers.rows = (rows) => {
    const touched = new Set(), fallen = [];
    for (const [id, state, reason, party, since, mark] of rows) {
      const link = byId.get(id);
      if (!link) continue; // of an inventory that this page does not have: the beat says so
      const tile = tileOf.get(link);
      if (stateOf(link) !== state) {
        touched.add(tile);
        if (state === "down") fallen.push(`${tile.label.textContent}, ${nameOf(link)}`);
      }
      if (link.className !== `c ${state}` || Number(link.dataset.t) !== since) touched.add(tile);
      link.className = `c ${state}`;
      Object.assign(link.dataset, { r: reason, p: party, t: since });
      if (mark) link.dataset.m = mark; else delete link.dataset.m;
      link.firstElementChild.lastElementChild.textContent = words.state[state] || state;
    }
    for (const tile of touched) drawTile(tile); // takes the flash away
    void grid.offsetWidth; // so that it begins anew
    for (const tile of touched) tile.element.classList.add("changed");
    drawTotals();
    filter();
    if (fallen.length) document.getElementById("said").textContent = `${words.state.down}: ${fallen.slice(0, 5).join("; ")}`;
  };

  let ticks = 0;
  handlers.tick = (now) => {
    ticks += 1;
    if (ticks % 5) return;
    for (const time of document.querySelectorAll("time[data-since]")) tell(time, now);
    fit(); // a longer duration may take a line more
  };

  // -- who is looked at
  function describe(link) {
    const at = Number(link.dataset.t), party = link.dataset.p === "none" ? "" : ` — ${words.party[link.dataset.p]}`;
    about.textContent = `${tileOf.get(link).label.textContent} · ${nameOf(link)} · ${link.dataset.o}: ${words.state[stateOf(link)]} — ${words.reason[link.dataset.r] || link.dataset.r}`
      + `${party} — ${say("since")} ${TSLCD.since(at)} (${TSLCD.duration(TSLCD.now() - at)})`;
  }
  for (const kind of ["focusin", "mouseover"]) {
    grid.addEventListener(kind, (event) => {
      const link = event.target.closest(".c");
      if (link) describe(link);
      if (link && kind === "focusin") rove(link);
    });
  }

  // -- keys: the tiles and the list are one stop of the tabulator each, arrows move inside
  let stop = null;
  for (const link of links) link.tabIndex = -1;
  function rove(link) {
    const next = (link && !link.hidden ? link : stop && !stop.hidden ? stop : links.find((one) => !one.hidden)) || null;
    if (stop && stop !== next) stop.tabIndex = -1;
    if (next && stop !== next) next.tabIndex = 0;
    stop = next;
  }

  function vertical(from, down) {
    const box = from.getBoundingClientRect(), index = tileOf.get(from).links.filter((one) => !one.hidden).indexOf(from);
    let best = null, least = Infinity;
    for (const tile of tiles) {
      if (tile.element.hidden) continue;
      const other = tile.element.getBoundingClientRect(), mine = tileOf.get(from).element.getBoundingClientRect();
      const away = down ? other.top - mine.top : mine.top - other.top;
      if (away < 2) continue;
      const cost = away * 100 + Math.abs(other.left - mine.left);
      if (cost < least) [best, least] = [tile, cost];
    }
    if (!best || !box.width) return null;
    const open = best.links.filter((one) => !one.hidden);
    return open[Math.min(index, open.length - 1)];
  }

  grid.addEventListener("keydown", (event) => {
    const link = event.target.closest(".c");
    if (!link || event.ctrlKey || event.altKey || event.metaKey) return;
    const open = links.filter((one) => !one.hidden), index = open.indexOf(link);
    const next = {
      ArrowRight: () => open[index + 1], ArrowLeft: () => open[index - 1], ArrowDown: () => vertical(link, true),
      ArrowUp: () => vertical(link, false), Home: () => open[0], End: () => open[open.length - 1],
    }[event.key];
    if (!next) return;
    event.preventDefault();
    const target = next();
    if (target) target.focus();
  });
  list.addEventListener("keydown", (event) => {
    const items = Array.from(list.querySelectorAll("a")), index = items.indexOf(event.target.closest("a"));
    const target = { ArrowDown: items[index + 1], ArrowUp: items[index - 1], Home: items[0], End: items[items.length - 1] }[event.key];
    if (index < 0 || !target) return;
    event.preventDefault();
    target.focus();
  });

  const shortcut = document.getElementById("shortcut");
  try { shortcut.checked = localStorage.getItem("shortcut") !== "off"; } catch { /* kept for this page only */ }
  shortcut.addEventListener("change", () => {
    try { localStorage.setItem("shortcut", shortcut.checked ? "on" : "off"); } catch { /* the same */ }
  });
  function reset() {
    for (const field of form.querySelectorAll("input[type=search], select")) field.value = "";
    remember();
  }
  document.addEventListener("keydown", (event) => {
    const typing = event.target.matches("input[type=search], select, textarea");
    if (event.key === "/" && shortcut.checked && !typing && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      find.focus();
      find.select();
    } else if (event.key === "Escape") {
      reset();
      if (typing && stop) stop.focus();
    }
  });

  // -- filters
  form.addEventListener("submit", (event) => { event.preventDefault(); remember(); });
  form.addEventListener("input", remember);
  clear.addEventListener("click", (event) => { event.preventDefault(); reset(); find.focus(); });
  for (const total of document.querySelectorAll(".total")) {
    total.addEventListener("click", (event) => {
      event.preventDefault();
      const field = form.elements.state;
      field.value = field.value === total.dataset.state ? "" : total.dataset.state;
      remember();
    });
  }

  filter();
  TSLCD.start();
})();
