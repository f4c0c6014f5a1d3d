/* Progressive enhancements. Every page works without this file. Each part applies to elements that
   have its data- attribute. */
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const one = (selector, root = document) => root.querySelector(selector);
  const count = (n, noun) => `${n.toLocaleString("en-US")} ${noun}${n === 1 ? "" : "s"}`;
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

  /* Fetch a page, and show these of its parts in place of the ones here, unless a newer request is
     on its way. Returns the page, or nothing if it is not shown. */
  let latest = 0;
  const refresh = async (address, ids, options = {}) => {
    const sequence = ++latest, answer = await fetch(address, { headers: { "X-Requested-With": "fetch" }, ...options });
    if (answer.redirected || (!answer.ok && answer.status !== 422)) { location.assign(address); return null; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    if (sequence !== latest) return null;
    ids.forEach((id) => {
      const fresh = page.getElementById(id);
      if (!fresh) return;
      reveal(fresh); localizeTimes(fresh);
      document.getElementById(id).replaceChildren(...fresh.childNodes);
    });
    return page;
  };

  /* Show the price while the buyer types a quantity. */
  all("form[data-quote]").forEach((form) => form.addEventListener("input", debounce(220, () => {
    const quantity = one("[name=quantity]", form).value;
    refresh(`${form.action}?${new URLSearchParams({ quantity })}`, ["quote", "tiers"]).catch(() => {});
  })));

  /* In the price editor, show what orders would cost at the typed prices, unless they are invalid. */
  all("form[data-tier-editor]").forEach((form) => {
    form.addEventListener("input", debounce(220, () => {
      const body = new URLSearchParams(new FormData(form));
      body.set("preview", "1");
      if (form.checkValidity()) refresh(form.action, ["tier-preview", "tier-advice"], { method: "POST", body }).catch(() => {});
    }));
    one("[data-add-row]", form)?.addEventListener("click", () => {
      const body = one("[data-tier-body]", form), row = body.rows[body.rows.length - 1].cloneNode(true), n = body.rows.length + 1;
      all(".field-error", row).forEach((error) => error.remove());
      all("input", row).forEach((i) => {
        i.value = ""; i.id = `${i.id.replace(/\d+$/, "")}${n}`; i.setAttribute("aria-label", i.getAttribute("aria-label").replace(/\d+$/, n));
        i.removeAttribute("aria-invalid"); i.removeAttribute("aria-describedby");
      });
      body.append(row); one("input", row).focus();
    });
  });

  /* Derive the slug from the name until the user types a slug. */
  all("[data-slug]").forEach((slug) => {
    const name = one("[data-slug-from]", slug.form);
    let own = slug.value !== "";
    slug.addEventListener("input", () => { own = slug.value !== ""; });
    name?.addEventListener("input", () => { if (!own) slug.value = name.value.normalize("NFKD").replace(/[\u0300-\u036f]/g, "").toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-+|-+$/g, "").slice(0, slug.maxLength); });
  });

  /* Search while the user types. Only the results are replaced. */
  const load = async (address, id) => {
    if (!await refresh(address, [id])) return;
    history.replaceState(null, "", address);
    const rows = all("tbody tr", document.getElementById(id)).length;
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
    text.addEventListener("input", () => { const c = text.value || text.placeholder; if (c && text.validity.valid) well.value = c; });
  });
  all("form[data-brand-form]").forEach((form) => form.addEventListener("input", (event) => {
    const { name, value, placeholder, dataset, validity } = event.target;
    const now = value || dataset.inherited || placeholder || "";
    const shown = validity.valid && Boolean(value || dataset.inherited);
    all(`[data-paint~="${name}"]`).forEach((el) => { if (now && validity.valid) el.setAttribute(el.dataset.as || "fill", now); });
    all(`[data-image="${name}"]`).forEach((el) => { if (shown) el.setAttribute("href", now); el.toggleAttribute("hidden", !shown); });
    all(`[data-without="${name}"]`).forEach((el) => el.toggleAttribute("hidden", shown));
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
