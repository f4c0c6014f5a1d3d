/* Progressive enhancements. Every page works without this file. Each part applies to elements that
   have its data- attribute. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const count = (n, noun) => `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
  const money = (cents, currency) =>
    new Intl.NumberFormat("en-US", { style: "currency", currency }).format(cents / 100);
  const debounce = (wait, run) => {
    let timer;
    return (...args) => { clearTimeout(timer); timer = setTimeout(run, wait, ...args); };
  };

  /* Show times in the user's time zone. */
  const localizeTimes = (root) => all("time[datetime]", root).forEach((el) => {
    const when = new Date(el.dateTime);
    if (isNaN(when) || el.dateTime.length < 11) return;
    const day = `${when.getDate()} ${when.toLocaleString("en-US", { month: "short" })} ${when.getFullYear()}`;
    const clock = when.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
    el.title = el.dateTime;
    el.textContent = el.dataset.format === "date" ? day : `${day}, ${clock}`;
  });

  /* Hide elements meant for browsers without JavaScript, and show elements that need it. */
  const reveal = (root) => {
    all("[data-nojs]", root).forEach((el) => { el.hidden = true; });
    all("[data-copy], [data-close], [data-print], [data-add-row]", root).forEach((el) => { el.hidden = false; });
  };

  /* Dialogs. A dialog that the server rendered open becomes modal. */
  const openDialog = (dialog) => { dialog.showModal(); const first = one("[aria-invalid=true], input:not([type=hidden]), select", dialog); if (first) first.focus(); };
  all("dialog[data-was-open]").forEach((d) => { d.close(); openDialog(d); });
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog && !event.metaKey && !event.ctrlKey) { event.preventDefault(); openDialog(dialog); return; }
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
    const label = one("span", button) || button;
    const before = label.textContent;
    try { await navigator.clipboard.writeText(button.dataset.copy); label.textContent = "Copied"; }
    catch { label.textContent = "Press Ctrl+C"; const code = one("code", button.parentElement); if (code) getSelection().selectAllChildren(code); }
    setTimeout(() => { label.textContent = before; }, 1600);
  }

  /* Ignore a second click on a submit button, and show on it that the form is being sent. */
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

  /* Calculate volume prices like the server: the whole order is charged at its tier's price. */
  const tierOf = (tiers, n) => tiers.filter((t) => t.from <= n).pop() || tiers[0];
  const total = (tiers, n) => tierOf(tiers, n).unit_amount * n;
  const betterOffer = (tiers, n) => tiers.filter((t) => t.from > n && t.unit_amount * t.from <= total(tiers, n))
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
      const sum = total(tiers, n), offer = betterOffer(tiers, n), tier = tierOf(tiers, n);
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

  /* In the price editor, show totals at each tier's limits, and where a larger order is cheaper. */
  all("form[data-tier-editor]").forEach((form) => {
    const body = one("[data-tier-body]", form), result = one("[data-tier-preview]");
    const read = () => all("tr", body).map((row) => ({ from: Number(one("[name=tier_from]", row).value), unit_amount: Math.round(Number(one("[name=tier_price]", row).value) * 100) }))
      .filter((t) => t.from > 0 && t.unit_amount > 0).sort((a, b) => a.from - b.from);
    const show = () => {
      const tiers = read();
      result.replaceChildren(...tiers.flatMap((t, i) => {
        const last = tiers[i + 1] ? tiers[i + 1].from - 1 : null;
        return [...new Set(last ? [t.from, last] : [t.from])].map((n) => {
          const row = document.createElement("tr"), offer = betterOffer(tiers, n);
          [n.toLocaleString("en-US"), money(t.unit_amount, form.dataset.currency), money(t.unit_amount * n, form.dataset.currency)].forEach((text, k) => { const cell = document.createElement(k ? "td" : "th"); cell.className = k ? "num" : "nowrap"; if (!k) cell.scope = "row"; cell.textContent = text; row.append(cell); });
          const note = document.createElement("td");
          if (offer) { const badge = document.createElement("span"); badge.className = "badge warn"; badge.textContent = `${offer.quantity} cost ${offer.total < t.unit_amount * n ? "less" : "the same"}`; note.append(badge); }
          row.append(note);
          return row;
        });
      }));
    };
    const advise = () => {
      const tiers = read(), format = (n) => n.toLocaleString("en-US");
      const edges = [...new Set(tiers.flatMap((t) => [t.from - 1, t.from]))].filter((n) => n >= 1);
      const back = edges.filter((n) => betterOffer(tiers, n)).map((n) => { const offer = betterOffer(tiers, n); return `${format(offer.quantity)} cost ${offer.total < total(tiers, n) ? "less than" : "the same as"} ${format(n)}`; });
      one("[data-tier-advice]").textContent = back.length ? `Prices run backwards: ${back.join(", ")}. Buyers are told, and offered the larger order.` : "No order costs as much as a larger one.";
    };
    /* As soon as the user leaves a field, show whether the server would reject it. */
    const setError = (input, message) => {
      const old = one(".field-error", input.parentElement);
      if (old) old.remove();
      input.removeAttribute("aria-describedby");
      if (!message) { input.removeAttribute("aria-invalid"); return; }
      const p = document.createElement("p"); p.className = "field-error"; p.id = `${input.id}-error`; p.textContent = message;
      input.after(p); input.setAttribute("aria-invalid", "true"); input.setAttribute("aria-describedby", p.id);
    };
    const check = () => {
      let before = 0;
      all("tr", body).forEach((row) => {
        const start = one("[name=tier_from]", row), price = one("[name=tier_price]", row), empty = !start.value && !price.value;
        const n = Number(start.value);
        setError(start, empty ? "" : !/^\d+$/.test(start.value) ? "A whole number, please." : n <= before ? `It must start above the tier before it, ${before.toLocaleString("en-US")}.` : "");
        setError(price, empty || (/^\d+(\.\d{1,2})?$/.test(price.value.trim()) && Number(price.value) > 0) ? "" : "A price like 17.50, please.");
        if (n > before) before = n;
      });
    };
    form.addEventListener("input", () => { show(); advise(); });
    form.addEventListener("change", check);
    one("[data-add-row]", form)?.addEventListener("click", () => {
      const row = body.rows[body.rows.length - 1].cloneNode(true), n = body.rows.length + 1;
      all("input", row).forEach((i) => { i.value = ""; i.id = `prices-${i.name}-${n}`; i.setAttribute("aria-label", i.getAttribute("aria-label").replace(/\d+$/, n)); setError(i, ""); });
      body.append(row); one("input", row).focus();
    });
  });

  /* Derive the slug from the name until the user types a slug. */
  all("[data-slug]").forEach((slug) => {
    const name = one("[data-slug-from]", slug.form);
    let own = slug.value !== "";
    slug.addEventListener("input", () => { own = slug.value !== ""; });
    name?.addEventListener("input", () => { if (!own) slug.value = name.value.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, 63); });
  });

  /* Search while the user types. Only the results are replaced. */
  let latest = 0;
  const load = async (address, id) => {
    const sequence = ++latest, answer = await fetch(address, { headers: { "X-Requested-With": "fetch" } });
    if (answer.redirected || !answer.ok) { location.assign(address); return; }
    const fresh = one(`#${id}`, new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (sequence !== latest || !fresh) return;
    reveal(fresh); localizeTimes(fresh);
    document.getElementById(id).replaceWith(fresh);
    history.replaceState(null, "", address);
    const rows = all("tbody tr", fresh).length;
    let status = one("#found"); if (!status) { status = document.createElement("p"); status.id = "found"; status.className = "sr"; status.setAttribute("role", "status"); document.body.append(status); }
    status.textContent = rows ? `${count(rows, "result")} shown` : "No results";
  };
  all("form[data-filter]").forEach((form) => {
    const go = () => load(`${form.action}?${new URLSearchParams(new FormData(form))}`, form.dataset.filter).catch(() => {});
    form.addEventListener("input", debounce(220, go));
    form.addEventListener("submit", (event) => { event.preventDefault(); go(); });
  });
  document.addEventListener("keydown", (event) => {
    if (event.key !== "/" || event.ctrlKey || event.metaKey || event.target.matches("input, select")) return;
    const box = one("[data-slash]"); if (box) { event.preventDefault(); box.focus(); box.select(); }
  });

  /* Suggest email addresses of users while the admin types. */
  all("[data-suggest]").forEach((input) => input.addEventListener("input", debounce(200, async () => {
    if (input.value.length < 2) return;
    try {
      const answer = await fetch(`${input.dataset.suggest}?q=${encodeURIComponent(input.value)}`);
      if (answer.ok) input.list.replaceChildren(...(await answer.json()).map((u) => new Option(u.name, u.email)));
    } catch { /* keep the list rendered with the page */ }
  })));

  /* Colors: the color picker and the text field share one value, and the preview shows it. For an
     empty field, it shows the inherited value. */
  all("[data-well]").forEach((well) => {
    const text = document.getElementById(well.dataset.well);
    well.addEventListener("input", () => { text.value = well.value; text.dispatchEvent(new Event("input", { bubbles: true })); });
    text.addEventListener("input", () => { const c = text.value || text.placeholder; if (/^#[0-9a-f]{6}$/i.test(c)) well.value = c; });
  });
  all("form[data-brand-form]").forEach((form) => form.addEventListener("input", (event) => {
    const { name, value, placeholder, dataset } = event.target;
    const now = value || dataset.inherited || placeholder || "";
    const color = /^#[0-9a-f]{6}$/i.test(now), image = /^https:\/\//.test(now);
    all(`[data-paint~="${name}"]`).forEach((el) => { if (color) el.setAttribute(el.dataset.as || "fill", now); });
    all(`[data-image="${name}"]`).forEach((el) => { if (image) el.setAttribute("href", now); el.toggleAttribute("hidden", !image); });
    all(`[data-without="${name}"]`).forEach((el) => el.toggleAttribute("hidden", image));
    all(`[data-text="${name}"]`).forEach((el) => { el.textContent = el.dataset.short ? now.slice(0, 1).toUpperCase() : now; });
  }));

  /* While a payment is processing, poll at increasing intervals. */
  const poll = (wait) => setTimeout(async () => {
    try {
      const fresh = one("#purchase", new DOMParser().parseFromString(await (await fetch(location.href)).text(), "text/html"));
      if (fresh) { const now = one("#purchase"); if (fresh.dataset.poll === undefined) { now.className = fresh.className; now.replaceChildren(...fresh.childNodes); localizeTimes(now); return; } }
    } catch { /* offline; try again */ }
    poll(Math.min(wait * 1.3, 15000));
  }, wait);
  const waiting = one("[data-poll]");
  if (waiting) poll(Number(waiting.dataset.poll));

  /* If a page is the response to a POST, turn its history entry into a plain GET, so that going back
     to it or reloading it does not send the form again. */
  history.replaceState(history.state, "", location.href);

  reveal(document); localizeTimes(document);
  one("[data-focus]")?.focus();
})();
