/* Small comforts. Every page works without this file; each part looks for its
   own data- attribute and does nothing when it isn't there. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const count = (n, noun) => `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
  const money = (cents, currency) =>
    new Intl.NumberFormat("en-US", { style: "currency", currency }).format(cents / 100);
  const later = (wait, run) => {
    let timer;
    return (...args) => { clearTimeout(timer); timer = setTimeout(run, wait, ...args); };
  };

  /* Times in the reader's own zone. */
  const times = (root) => all("time[datetime]", root).forEach((el) => {
    const when = new Date(el.dateTime);
    if (isNaN(when) || el.dateTime.length < 11) return;
    const day = `${when.getDate()} ${when.toLocaleString("en-US", { month: "short" })} ${when.getFullYear()}`;
    const clock = when.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    el.title = el.dateTime;
    el.textContent = el.dataset.format === "date" ? day : `${day}, ${clock}`;
  });

  /* Parts that only make sense with or without a script. */
  const reveal = (root) => {
    all("[data-nojs]", root).forEach((el) => { el.hidden = true; });
    all("[data-copy], [data-close], [data-print], [data-add-row]", root).forEach((el) => { el.hidden = false; });
  };

  /* Dialogs. One that came open from the server becomes a real modal. */
  const open = (dialog) => { dialog.showModal(); const first = one("[aria-invalid=true], input:not([type=hidden]), select, textarea", dialog); if (first) first.focus(); };
  all("dialog[data-was-open]").forEach((d) => { d.close(); open(d); });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog && !event.metaKey && !event.ctrlKey) { event.preventDefault(); open(dialog); return; }
    const closer = event.target.closest("[data-close]");
    if (closer && closer.closest("dialog")) { event.preventDefault(); closer.closest("dialog").close(); return; }
    if (event.target.matches("dialog")) {
      const box = event.target.getBoundingClientRect();
      if (event.clientX < box.left || event.clientX > box.right || event.clientY < box.top || event.clientY > box.bottom) event.target.close();
    }
    const copier = event.target.closest("[data-copy]");
    if (copier) copy(copier);
    if (event.target.closest("[data-print]")) window.print();
  });

  async function copy(button) {
    const words = one("span", button) || button;
    const before = words.textContent;
    try { await navigator.clipboard.writeText(button.dataset.copy); words.textContent = "Copied"; }
    catch { words.textContent = "Press Ctrl+C"; const code = one("code", button.parentElement); if (code) getSelection().selectAllChildren(code); }
    setTimeout(() => { words.textContent = before; }, 1600);
  }

  /* One submit is enough; the button says that it was heard. */
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (form.method !== "post") return;
    if (form.dataset.sent) { event.preventDefault(); return; }
    form.dataset.sent = "1";
    const button = event.submitter;
    if (button) { button.setAttribute("aria-busy", "true"); if (button.dataset.busy) { button.dataset.idle = button.textContent; button.textContent = button.dataset.busy; } }
  });
  window.addEventListener("pageshow", (event) => {
    if (!event.persisted) return;
    all("form[data-sent]").forEach((form) => { delete form.dataset.sent; });
    all("[aria-busy=true]").forEach((b) => { b.removeAttribute("aria-busy"); if (b.dataset.idle) b.textContent = b.dataset.idle; });
  });

  /* Volume pricing as the server does it: the whole order at its tier. */
  const tierOf = (tiers, n) => tiers.filter((t) => t.from <= n).pop() || tiers[0];
  const total = (tiers, n) => tierOf(tiers, n).unit_amount * n;
  const better = (tiers, n) => tiers.filter((t) => t.from > n && t.unit_amount * t.from <= total(tiers, n))
    .map((t) => ({ quantity: t.from, total: t.unit_amount * t.from })).sort((a, b) => a.total - b.total || b.quantity - a.quantity)[0];

  all("form[data-quote]").forEach((form) => {
    const tiers = JSON.parse(form.dataset.tiers), currency = form.dataset.currency;
    const input = one("[data-quantity]", form), advice = one("[data-advice]", form);
    const show = () => {
      const n = Number(input.value);
      if (!Number.isInteger(n) || n < 1 || n > Number(input.max || 1e9)) {
        one("[data-lines]", form).textContent = one("[data-total]", form).textContent = "–";
        advice.hidden = true;
        return;
      }
      const sum = total(tiers, n), offer = better(tiers, n), tier = tierOf(tiers, n);
      one("[data-lines]", form).textContent = `${count(n, "license")} × ${money(tier.unit_amount, currency)}`;
      one("[data-total]", form).textContent = money(sum, currency);
      advice.hidden = !offer;
      if (offer) {
        one("[data-advice-text]", form).textContent = offer.total < sum
          ? `${count(offer.quantity, "license")} cost ${money(sum - offer.total, currency)} less than ${n}: ${money(offer.total, currency)} in all.`
          : `${count(offer.quantity, "license")} cost the same as ${n}.`;
        const link = one("[data-advice-link]", form);
        link.textContent = `Make it ${offer.quantity}`;
        link.dataset.quantity = offer.quantity;
      }
      all("[data-tier-rows] tr").forEach((row, i) => {
        const here = tiers[i] === tier;
        row.classList.toggle("current", here);
        one("[data-here]", row).hidden = !here;
      });
    };
    input.addEventListener("input", show);
    one("[data-advice-link]", form).addEventListener("click", (event) => { event.preventDefault(); input.value = event.target.dataset.quantity || input.value; input.focus(); show(); });
    show();
  });

  /* The price editor: totals at each edge, and where they run backwards. */
  all("form[data-tier-editor]").forEach((form) => {
    const body = one("[data-tier-body]", form), result = one("[data-tier-preview]");
    const read = () => all("tr", body).map((row) => ({ from: Number(one("[name=tier_from]", row).value), unit_amount: Math.round(Number(one("[name=tier_price]", row).value) * 100) }))
      .filter((t) => t.from > 0 && t.unit_amount > 0).sort((a, b) => a.from - b.from);
    const show = () => {
      const tiers = read();
      result.replaceChildren(...tiers.flatMap((t, i) => {
        const last = tiers[i + 1] ? tiers[i + 1].from - 1 : null;
        return [...new Set(last ? [t.from, last] : [t.from])].map((n) => {
          const row = document.createElement("tr"), offer = better(tiers, n);
          [n.toLocaleString("en-US"), money(t.unit_amount, form.dataset.currency), money(t.unit_amount * n, form.dataset.currency)].forEach((text, k) => { const cell = document.createElement(k ? "td" : "th"); cell.className = k ? "num" : "nowrap"; if (!k) cell.scope = "row"; cell.textContent = text; row.append(cell); });
          const note = document.createElement("td");
          if (offer) { const badge = document.createElement("span"); badge.className = "badge warn"; badge.textContent = `${offer.quantity} cost ${offer.total < t.unit_amount * n ? "less" : "the same"}`; note.append(badge); }
          row.append(note);
          return row;
        });
      }));
    };
    const advise = () => {
      const tiers = read(), count_of = (n) => n.toLocaleString("en-US");
      const edges = [...new Set(tiers.flatMap((t) => [t.from - 1, t.from]))].filter((n) => n >= 1);
      const back = edges.filter((n) => better(tiers, n)).map((n) => { const offer = better(tiers, n); return `${count_of(offer.quantity)} cost ${offer.total < total(tiers, n) ? "less than" : "the same as"} ${count_of(n)}`; });
      one("[data-tier-advice]").textContent = back.length ? `Prices run backwards: ${back.join(", ")}. Buyers are told, and offered the larger order.` : "No order costs as much as a larger one.";
    };
    /* What the server would refuse, said when a field is left. */
    const complain = (input, words) => {
      const said = one(".field-error", input.parentElement);
      if (said) said.remove();
      input.removeAttribute("aria-describedby");
      if (!words) { input.removeAttribute("aria-invalid"); return; }
      const p = document.createElement("p"); p.className = "field-error"; p.id = `${input.id}-error`; p.textContent = words;
      input.after(p); input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", p.id);
    };
    const check = () => {
      let before = 0;
      all("tr", body).forEach((row) => {
        const start = one("[name=tier_from]", row), price = one("[name=tier_price]", row), empty = !start.value && !price.value;
        const n = Number(start.value);
        complain(start, empty ? "" : !/^\d+$/.test(start.value) ? "A whole number, please." : n <= before ? `It must start above the tier before it, ${before.toLocaleString("en-US")}.` : "");
        complain(price, empty || (/^\d+(\.\d{1,2})?$/.test(price.value.trim()) && Number(price.value) > 0) ? "" : "A price like 17.50, please.");
        if (n > before) before = n;
      });
    };
    form.addEventListener("input", () => { show(); advise(); });
    form.addEventListener("change", check);
    one("[data-add-row]", form)?.addEventListener("click", () => {
      const row = body.rows[body.rows.length - 1].cloneNode(true), n = body.rows.length + 1;
      all("input", row).forEach((i) => { i.value = ""; i.id = `prices-${i.name}-${n}`; i.setAttribute("aria-label", i.getAttribute("aria-label").replace(/\d+$/, n)); complain(i, ""); });
      body.append(row); one("input", row).focus();
    });
  });

  /* A slug that follows the name until someone types one. */
  all("[data-slug]").forEach((slug) => {
    const name = one("[data-slug-from]", slug.form);
    let own = slug.value !== "";
    slug.addEventListener("input", () => { own = slug.value !== ""; });
    name?.addEventListener("input", () => { if (!own) slug.value = name.value.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 63); });
  });

  /* Search results follow the typing; only the results are replaced. */
  let asked = 0;
  const load = async (address, id) => {
    const mine = ++asked, answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
    if (answer.redirected || !answer.ok) { location.assign(address); return; }
    const fresh = one(`#${id}`, new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (mine !== asked || !fresh) return;
    reveal(fresh); times(fresh);
    document.getElementById(id).replaceWith(fresh);
    history.replaceState(null, "", address);
    const rows = all("tbody tr", fresh).length;
    let voice = one("#found"); if (!voice) { voice = document.createElement("p"); voice.id = "found"; voice.className = "sr"; voice.setAttribute("role", "status"); document.body.append(voice); }
    voice.textContent = rows ? `${count(rows, "result")} shown` : "No results";
  };
  all("form[data-filter]").forEach((form) => {
    const go = () => load(`${form.action}?${new URLSearchParams(new FormData(form))}`, form.dataset.filter).catch(() => {});
    form.addEventListener("input", later(220, go));
    form.addEventListener("submit", (event) => { event.preventDefault(); go(); });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, textarea, select")) return;
    const box = one("[data-slash]"); if (box) { event.preventDefault(); box.focus(); box.select(); }
  });

  /* E-mails of users, as they are typed. */
  all("[data-suggest]").forEach((input) => input.addEventListener("input", later(200, async () => {
    if (input.value.length < 2) return;
    try {
      const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(input.value)}`);
      if (answer.ok) input.list.replaceChildren(...(await answer.json()).map((u) => new Option(u.name, u.email)));
    } catch { /* the list of the page stays */ }
  })));

  /* Colours: the well and the text are one value; the preview wears both.
     An empty field shows what it would inherit. */
  all("[data-well]").forEach((well) => {
    const text = document.getElementById(well.dataset.well);
    well.addEventListener("input", () => { text.value = well.value; text.dispatchEvent(new Event("input", { bubbles: true })); });
    text.addEventListener("input", () => { const c = text.value || text.placeholder; if (/^#[0-9a-f]{6}$/i.test(c)) well.value = c; });
  });
  all("form[data-brand-form]").forEach((form) => form.addEventListener("input", (event) => {
    const { name, value, placeholder, dataset } = event.target;
    const now = value || dataset.inherited || placeholder || "";
    const colour = /^#[0-9a-f]{6}$/i.test(now), image = /^https:\/\//.test(now);
    all(`[data-paint~="${name}"]`).forEach((el) => { if (colour) el.setAttribute(el.dataset.as || "fill", now); });
    all(`[data-image="${name}"]`).forEach((el) => { if (image) el.setAttribute("href", now); el.toggleAttribute("hidden", !image); });
    all(`[data-without="${name}"]`).forEach((el) => el.toggleAttribute("hidden", image));
    all(`[data-text="${name}"]`).forEach((el) => { el.textContent = el.dataset.short ? now.slice(0, 1).toUpperCase() : now; });
  }));

  /* A payment under way: ask again, a little less often each time. */
  const poll = (wait) => setTimeout(async () => {
    try {
      const fresh = one("#purchase", new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html"));
      if (fresh) { const now = one("#purchase"); if (fresh.dataset.poll === undefined) { now.className = fresh.className; now.replaceChildren(...fresh.childNodes); times(now); return; } }
    } catch { /* offline for a moment */ }
    poll(Math.min(wait * 1.3, 15000));
  }, wait);
  const waiting = one("[data-poll]");
  if (waiting) poll(Number(waiting.dataset.poll));

  /* A page that answered a form stands in the history as one that was asked for: going back to
     it, or reloading it, sends nothing a second time. */
  history.replaceState(history.state, "", location.href);

  reveal(document); times(document);
  one("[data-focus]")?.focus();
})();
