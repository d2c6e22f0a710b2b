// A channel's page: its middle is made anew by the server when the channel changes, and every five minutes for the charts.
"use strict";

(() => {
  const { say, handlers } = TSLCD, EVERY = 300;
  let drawn = TSLCD.now(), busy = false;
  const article = () => document.getElementById("channel");

  async function renew() {
    if (busy) return;
    busy = true;
    try {
      const answer = await fetch(location.href, { cache: "no-store" });
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("channel");
      if (answer.ok && fresh) {
        article().replaceWith(document.adoptNode(fresh));
        drawn = TSLCD.now();
      }
    } catch { /* the age tells */ } finally {
      busy = false;
    }
  }

  handlers.rows = (rows) => {
    const row = rows.find(([id]) => id === article().dataset.channel);
    if (row && `${row[1]} ${row[2]} ${row[3]} ${row[5]}` !== article().dataset.row) renew();
  };
  handlers.tick = (now) => {
    for (const time of document.querySelectorAll("time[data-since]")) {
      const text = TSLCD.duration(now - Number(time.dataset.since));
      if (time.textContent !== text) time.textContent = text;
    }
    if (now - drawn > EVERY && !document.body.classList.contains("lost")) renew();
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
