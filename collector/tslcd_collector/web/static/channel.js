// A channel's page: its middle and its comments are made anew by the server when the channel changes, after what somebody entered
// here, and every five minutes for the charts. The forms stay, with what is being typed.
"use strict";

(() => {
  const { say, handlers } = TSLCD, EVERY = 300, PATIENCE = 20, LONGEST = 30;
  let drawn = TSLCD.now(), busy = false, wanted = false, failed = 0, pause = 0;
  const article = () => document.getElementById("channel");

  async function renew() {
    wanted = true; // what changed while a page is on its way may not be in it
    if (busy) return;
    busy = true;
    clearTimeout(pause);
    pause = 0;
    let done = true;
    while (wanted && done) {
      wanted = false;
      done = await draw().catch(() => false);
    }
    busy = false;
    failed = done ? 0 : failed + 1;
    if (!done) pause = setTimeout(renew, Math.min(LONGEST, 2 ** failed) * 500 * (1 + Math.random()));
  }

  // Ask for the page and put it in place; false when not all of it came.
  async function draw() {
    const answer = await fetch(location.href, { cache: "no-store", signal: AbortSignal.timeout(PATIENCE * 1000) });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (!answer.ok || !page.getElementById("channel")) return false;
    put(page, "channel");
    drawn = TSLCD.now();
    if ("unread" in page.getElementById("comments").dataset) return false; // those that are shown stay
    put(page, "comments");
    document.getElementById("duty").hidden = page.getElementById("duty").hidden;
    return true;
  }

  // Replace an element by that of another page; whoever works with keys, or has scrolled in it, stays where they were.
  function put(page, id) {
    const old = document.getElementById(id), fresh = document.adoptNode(page.getElementById(id)), held = document.activeElement;
    const focused = held !== old && old.contains(held) && place(old, held);
    const scrolled = Array.from(old.querySelectorAll("*")).filter((one) => one.scrollTop || one.scrollLeft)
      .map((one) => [place(old, one), one.scrollLeft, one.scrollTop]);
    old.replaceWith(fresh);
    for (const [where, left, top] of scrolled) {
      const one = where(fresh);
      if (one) one.scrollTo({ left, top, behavior: "instant" });
    }
    if (focused) (focused(fresh) || document.getElementById("main")).focus({ preventScroll: true });
  }

  // Return what finds in another element what ``one`` is in ``root``: by its id, else by its place among its like.
  function place(root, one) {
    const like = one.id ? `#${CSS.escape(one.id)}`
      : one.tagName + Array.from(one.classList, (name) => `.${CSS.escape(name)}`).join("")
      + (one.hasAttribute("href") ? `[href="${CSS.escape(one.getAttribute("href"))}"]` : "");
    const index = Array.from(root.querySelectorAll(like)).indexOf(one);
    return (other) => other.querySelectorAll(like)[index];
  }

  handlers.rows = (rows) => {
    const row = rows.find(([id]) => id === article().dataset.channel);
    if (row && (busy || `${row[1]} ${row[2]} ${row[3]} ${row[5]} ${row[6]}` !== article().dataset.row)) renew();
  };
  handlers.tick = (now) => {
    for (const time of document.querySelectorAll("time[data-since]")) {
      const text = TSLCD.duration(now - Number(time.dataset.since));
      if (time.textContent !== text) time.textContent = text;
    }
    if (now - drawn > EVERY && !busy && !pause && !document.body.classList.contains("lost")) renew();
  };

  // What operators enter: the answer stands beside the button, in the collector's own words.
  for (const form of document.querySelectorAll("form.act")) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const output = form.querySelector("output"), given = new URLSearchParams(new FormData(form));
      if (event.submitter && event.submitter.name) given.append(event.submitter.name, event.submitter.value);
      try {
        const answer = await fetch(form.action, {
          method: "POST", body: given,
          headers: { "X-CSRF-Token": document.body.dataset.csrf, Accept: "application/json" },
        });
        const text = await answer.text();
        let words = text.slice(0, 300);
        try {
          const said = JSON.parse(text);
          words = (document.documentElement.lang === "vi" && said.error_vi) || said.error || words;
        } catch { /* as it came */ }
        output.textContent = answer.ok ? say("done") : `${say("failed")} ${words}`;
        if (answer.ok) {
          form.reset();
          renew();
        }
      } catch (error) {
        output.textContent = `${say("failed")} ${error.message}`;
      }
    });
  }

  TSLCD.start();
})();
