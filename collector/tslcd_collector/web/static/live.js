// The connection to the collector, and how old what is on the screen is. Every page has it; nothing here needs a page to be there.
//
// A page is itself a sign of life. After that a beat comes every three seconds; without one for LOST seconds the collector is lost,
// whatever the connection says of itself, and the whole page looks like it.
"use strict";

const TSLCD = (() => {
  const LOST = 10, OLD = 90, STUCK = 15;
  const words = JSON.parse(document.getElementById("words").textContent);
  const body = document.body, age = document.getElementById("age"), alarm = document.getElementById("alarm");
  const handlers = { rows: () => {}, tick: () => {} };
  let seen = body.dataset.seen, heard = performance.now(), told = Number(body.dataset.now);
  let data = body.dataset.age === "" ? null : Number(body.dataset.age), broker = Number(body.dataset.broker) || null;
  let source = null, connected = false, opened = 0, hiding = 0, reloading = false;
  const unready = alarm.hidden || broker ? "" : alarm.textContent;

  const quiet = () => (performance.now() - heard) / 1000;
  const now = () => told + quiet(); // the collector's clock: this computer's may be wrong
  const local = (seconds) => new Date((seconds + 7 * 3600) * 1000).toISOString();
  const clock = (seconds) => local(seconds).slice(11, 19);
  const say = (key, values) => words.text[key].replace(/\{(\w+)\}/g, (_, name) => values[name]);

  function since(seconds) {
    const at = local(seconds), today = local(now());
    const day = at.slice(0, 10) === today.slice(0, 10) ? "" : `${at.slice(8, 10)}/${at.slice(5, 7)} `;
    return day + at.slice(11, 16);
  }

  function duration(seconds) {
    let left = Math.max(0, Math.floor(seconds));
    const units = [["day_short", 86400], ["hour_short", 3600], ["minute_short", 60], ["second_short", 1]], parts = [];
    for (const [name, size] of units) {
      const count = Math.floor(left / size);
      left %= size;
      if (count || (parts.length && parts.length < 2)) parts.push([count, name]);
      if (parts.length === 2 || (parts.length && name === "minute_short")) break;
    }
    return parts.filter(([count]) => count).map(([count, name]) => `${count} ${say(name)}`).join(" ") || `0 ${say("second_short")}`;
  }

  function look() {
    const lost = quiet() > LOST, total = data === null ? null : data + quiet();
    const old = total !== null && total > OLD;
    body.classList.toggle("lost", lost);
    age.className = "age" + (lost ? " lost" : old || broker || !connected ? " old" : "");
    const ago = total === null ? say("no_data") : `${say("age")} ${duration(Math.round(total))} ${say("old")}`.trim();
    age.textContent = connected || lost ? ago : `${say("reconnecting")} ${ago}`;
    const strong = lost ? say("lost") : broker ? say("broker_lost", { time: clock(broker) }) : old ? say("old_data") : unready;
    const more = lost ? say("lost_more", { time: clock(told) }) : "";
    if (alarm.dataset.said !== strong + more) { // only what is new is read out
      alarm.dataset.said = strong + more;
      alarm.textContent = "";
      if (strong) alarm.append(Object.assign(document.createElement("strong"), { textContent: strong }));
      if (more) alarm.append(Object.assign(document.createElement("span"), { textContent: more }));
      alarm.hidden = !strong;
    }
    if (connected && quiet() > STUCK) connect(); // open by its own word, and mute
    handlers.tick(now());
  }

  function alive(event) {
    const beat = JSON.parse(event.data);
    heard = performance.now();
    told = beat.now;
    data = beat.age;
    broker = beat.broker;
    connected = true;
    if (beat.plan !== body.dataset.plan) renew();
    look();
  }

  // Another inventory or another version: the page is made anew, but only by a collector that answers.
  function renew() {
    if (reloading) return;
    reloading = true;
    setTimeout(() => fetch(location.href, { cache: "no-store" }).then((answer) => {
      if (answer.ok) location.reload(); else reloading = false;
    }, () => { reloading = false; }), Math.random() * 2000);
  }

  function rows(all) {
    return (event) => {
      if (event.lastEventId) seen = event.lastEventId;
      handlers.rows(JSON.parse(event.data).rows, all);
    };
  }

  function connect() {
    if (source) source.close();
    connected = false;
    const mine = source = new EventSource(`/events?seen=${encodeURIComponent(seen)}`);
    mine.addEventListener("beat", alive);
    mine.addEventListener("change", rows(false));
    mine.addEventListener("all", rows(true));
    mine.addEventListener("open", () => { opened = 0; });
    mine.addEventListener("error", () => {
      connected = false;
      look();
      if (mine.readyState !== EventSource.CLOSED || mine !== source) return; // else it tries again by itself
      opened += 1;
      setTimeout(() => { if (mine === source) again(); }, Math.min(30, 2 ** opened) * 500 * (1 + Math.random()));
    });
  }

  // The collector answers, but not with events: too many listeners, or a login that is over.
  function again() {
    fetch("/", { method: "HEAD", cache: "no-store", headers: { Accept: "text/html" } }).then((answer) => {
      if (answer.redirected || answer.status === 401 || answer.status === 403) location.reload(); else connect();
    }, connect);
  }

  // Nobody looks at a hidden page: it gives its place to others after a minute.
  document.addEventListener("visibilitychange", () => {
    clearTimeout(hiding);
    if (document.hidden) hiding = setTimeout(() => { source.close(); connected = false; }, 60000);
    else if (source && source.readyState === EventSource.CLOSED) {
      heard = performance.now() - (LOST - 2) * 1000; // two seconds for the first beat, then it is lost
      connect();
    }
    look();
  });

  addEventListener("pagehide", () => source && source.close());
  addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

  function start() {
    body.classList.add("live");
    connect();
    look();
    setInterval(look, 1000);
  }

  return { words, say, now, since, duration, handlers, start };
})();
