"use strict";
// The viewer's page. It asks the server for pieces that are escaped there, and keeps what is looked at in the address (#...),
// so that reloading, going back and bookmarks work. Nothing is loaded from elsewhere.
(() => {
  const $ = (id) => document.getElementById(id);
  const FILTERS = ["style", "maker", "split", "reason", "mark", "change"];
  const PAGE = 50, AGAIN_MS = 60, FIGURES_MS = 1500;
  const state = { v: "", against: "", text: "", order: "stored", offset: 0, n: null, tab: "samples" };
  for (const name of FILTERS) state[name] = "";
  let facets = null, numbers = [], shown = null, asked = 0, cardAsked = 0, timer = 0;
  let waiting = []; // those not sent yet
  let marking = Promise.resolve(); // marks are sent one after the other, so that the last one that is made is the one that stays

  async function ask(path, parameters) {
    const given = Object.entries(parameters).filter(([, value]) => value !== "" && value !== null && value !== undefined);
    return read(await fetch(path + "?" + new URLSearchParams(given)));
  }
  async function read(reply) {
    if ((reply.headers.get("Content-Type") || "").startsWith("application/json")) {
      const value = await reply.json();
      if (value.error) throw new Error(value.error);
      return value;
    }
    throw new Error(await reply.text());
  }
  async function tell(work) {
    try {
      const value = await work();
      $("trouble").hidden = true;
      return value;
    } catch (error) {
      $("trouble").textContent = error instanceof TypeError ? "asd view does not answer any more; start it again." : error.message;
      $("trouble").hidden = false;
      return null;
    }
  }
  const count = (value) => value.toLocaleString("en");
  const make = (tag, properties, ...inside) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...inside);
    return element;
  };

  // -- the address -------------------------------------------------------------------------------------------------
  function readAddress() {
    const given = new URLSearchParams(location.hash.slice(1));
    for (const name of Object.keys(state)) {
      const value = given.get(name);
      if (name === "offset") state.offset = Number(value) || 0;
      else if (name === "n") state.n = value === null ? null : Number(value);
      else state[name] = value ?? { order: "stored", tab: "samples" }[name] ?? "";
    }
  }
  function writeAddress(replace) {
    const given = Object.entries(state).filter(([name, value]) =>
      value !== "" && value !== null && value !== 0 && !(name === "order" && value === "stored") && !(name === "tab" && value === "samples") || (name === "n" && value === 0));
    const hash = "#" + new URLSearchParams(given);
    if (hash === location.hash) return;
    if (replace) history.replaceState(null, "", hash);
    else history.pushState(null, "", hash);
  }

  // -- filters -----------------------------------------------------------------------------------------------------
  async function loadFacets() {
    const found = await tell(() => ask("facets", { v: state.v, against: state.against }));
    if (!found) return false;
    facets = found;
    state.v = facets.version;
    $("title").textContent = facets.title;
    const names = (one) => one.names.length ? `${one.names.join(", ")} · ${one.version}` : one.version;
    $("version").replaceChildren(...facets.versions.map((one) => make("option", { value: one.version, textContent: names(one) })));
    $("version").value = state.v;
    const others = facets.versions.filter((one) => one.version !== state.v);
    $("against").replaceChildren(make("option", { value: "", textContent: "nothing" }),
      ...others.map((one) => make("option", { value: one.version, textContent: names(one) })));
    $("against").value = others.some((one) => one.version === state.against) ? state.against : "";
    $("against").disabled = !others.length;
    return true;
  }
  function drawFilters() {
    const groups = [["style", "Style"], ["maker", "Maker"], ["reason", "What is odd"], ["mark", "Marks"]];
    if (facets.change) groups.unshift(["change", "In the other version"]);
    if (Object.keys(facets.split).length > 1) groups.push(["split", "Split"]);
    const values = {
      ...facets,
      reason: { any: null, ...facets.reason },
      mark: { good: facets.mark.good || 0, bad: facets.mark.bad || 0, unmarked: facets.samples - (facets.mark.good || 0) - (facets.mark.bad || 0) },
    };
    $("filters").replaceChildren(...groups.map(([name, title]) => make("div", { className: "group" },
      make("h4", { textContent: title }),
      ...Object.entries(values[name]).map(([value, number]) => {
        const button = make("button", { type: "button", title: facets.meaning[value] || "" },
          make("span", { textContent: value === "any" ? "anything" : value }), make("small", { textContent: number === null ? "" : count(number) }));
        button.dataset.name = name;
        button.dataset.value = value;
        button.setAttribute("aria-pressed", String(state[name] === value));
        return button;
      }))));
    if (facets.only_there) $("filters").firstChild.append(make("p", { className: "note", textContent: `${count(facets.only_there)} only in the other version` }));
  }

  // -- the list ----------------------------------------------------------------------------------------------------
  async function loadList(selectLast) {
    const mine = ++asked;
    clearTimeout(timer);
    drawFilters();
    $("search").value = state.text;
    $("order").value = state.order;
    const query = { v: state.v, against: state.against, text: state.text, order: state.order, offset: state.offset, limit: PAGE };
    for (const name of FILTERS) query[name] = state[name];
    let drawn = "";
    const step = async () => {
      const page = await tell(() => ask("rows", query));
      query.to_end = 1; // the page is there; now all are counted
      if (mine !== asked || !page) return;
      drawProgress(page);
      if (page.html !== drawn) {
        drawn = page.html;
        numbers = page.numbers;
        $("items").innerHTML = page.html;
        if (selectLast === true) select(numbers.at(-1));
        else if (!numbers.includes(state.n) && numbers.length) select(numbers[0], true);
        else if (shown?.key !== keyOfCard()) select(state.n, true);
        else choose(state.n);
        if (!numbers.length) select(null, true);
      }
      if (!page.complete && !(isUnfiltered() && state.order === "stored")) timer = setTimeout(step, AGAIN_MS);
    };
    $("items").scrollTop = 0;
    await step();
  }
  const isUnfiltered = () => !state.text && FILTERS.every((name) => !state[name]);
  function drawProgress(page) {
    const isAll = isUnfiltered();
    const found = isAll ? page.samples : page.found;
    $("count").textContent = `${count(found)}${page.complete || isAll ? "" : "+"} sample${found === 1 ? "" : "s"}`;
    $("progress").hidden = page.complete || (isAll && state.order === "stored");
    $("progress").value = page.share;
    $("range").textContent = page.numbers.length ? `${count(page.offset + 1)} to ${count(page.offset + page.numbers.length)}` : "none";
    $("before").disabled = page.offset === 0;
    $("after").disabled = page.offset + page.numbers.length >= page.found;
  }
  function turn(by) {
    if ((by < 0 ? $("before") : $("after")).disabled) return;
    state.offset = Math.max(0, state.offset + by * PAGE);
    writeAddress();
    loadList(by < 0);
  }
  function choose(number) {
    for (const item of $("items").children) {
      const isChosen = Number(item.dataset.n) === number;
      item.classList.toggle("chosen", isChosen);
      if (isChosen) item.scrollIntoView({ block: "nearest" });
    }
  }
  function select(number, replace) {
    state.n = number ?? null;
    writeAddress(replace);
    choose(state.n);
    loadCard();
  }
  function move(by) {
    const place = numbers.indexOf(state.n) + by;
    if (place < 0) turn(-1);
    else if (place >= numbers.length) turn(1);
    else select(numbers[place], true);
  }

  // -- one sample --------------------------------------------------------------------------------------------------
  const keyOfCard = () => [state.v, state.against, state.n].join(" ");
  async function loadCard() {
    const key = keyOfCard();
    const mine = ++cardAsked;
    if (state.n === null) {
      $("detail").hidden = true;
      shown = null;
      return;
    }
    const row = { v: state.v, n: state.n };
    const card = await tell(() => ask("card", { ...row, against: state.against }));
    if (mine !== cardAsked || !card) return;
    shown = { ...card, ...row, key };
    $("card").innerHTML = card.html;
    $("json").textContent = card.json;
    $("detail").hidden = false;
    $("detail").scrollTop = 0;
    drawMark();
  }
  function drawMark() {
    $("good").setAttribute("aria-pressed", String(shown.mark === "good"));
    $("bad").setAttribute("aria-pressed", String(shown.mark === "bad"));
    $("why").value = shown.why;
    $("unmark").disabled = !shown.mark;
  }
  function mark(value, why) {
    if (shown) {
      const one = { row: shown, body: JSON.stringify({ v: shown.v, n: shown.n, mark: value, why }) };
      const send = () => sendMark(one);
      waiting.push(one);
      marking = marking.then(send, send);
    }
    return marking;
  }
  // A page that is left sends what waits, of each row its last mark: requests that leave at once may arrive in any order.
  function sendWaiting() {
    if (shown && $("why").value !== shown.why && document.activeElement === $("why")) mark(shown.mark || "bad", $("why").value);
    const last = new Map(waiting.map((one) => [one.row.v + " " + one.row.n, one.body]));
    for (const body of last.values()) navigator.sendBeacon("mark", new Blob([body], { type: "application/json" }));
  }
  async function sendMark(one) {
    const { row, body } = one;
    waiting = waiting.filter((other) => other !== one); // what is under way outlives the page
    const sent = { method: "POST", headers: { "Content-Type": "application/json" }, body, keepalive: true };
    const saved = await tell(async () => read(await fetch("mark", sent)));
    if (!saved) return;
    Object.assign(row, { mark: saved.mark, why: saved.why });
    if (shown === row) drawMark();
    if (state.v !== row.v) return; // another version is looked at by now
    facets.mark = saved.counts;
    drawFilters();
    const item = [...$("items").children].find((one) => Number(one.dataset.n) === row.n);
    if (item) {
      item.classList.remove("good", "bad");
      if (saved.mark) item.classList.add(saved.mark);
      item.querySelector(".tick").textContent = { good: "✓", bad: "✕" }[saved.mark] || "";
    }
  }
  function markBad() {
    const row = shown;
    mark("bad", row ? row.why : "").then(() => { if (shown === row) $("why").focus(); });
  }
  async function copy() {
    if (!shown) return;
    try {
      await navigator.clipboard.writeText(shown.json);
      $("copy").textContent = "Copied";
    } catch {
      $("raw").open = true;
      getSelection().selectAllChildren($("json"));
      $("copy").textContent = "Selected below";
    }
    setTimeout(() => { $("copy").textContent = "Copy JSON"; }, 1200);
  }

  // -- the other tabs ----------------------------------------------------------------------------------------------
  async function showTab() {
    clearTimeout(timer);
    asked++;
    for (const name of ["samples", "overview", "rejects"]) $(name).hidden = state.tab !== name;
    for (const button of document.querySelectorAll("[data-tab]")) button.classList.toggle("chosen", button.dataset.tab === state.tab);
    if (state.tab === "overview") await drawOverview();
    else if (state.tab === "rejects") await drawRejects("", 0);
    else await loadList();
  }
  async function drawOverview() {
    const mine = asked;
    const found = await tell(() => ask("overview", { v: state.v }));
    if (!found || mine !== asked) return;
    $("overview").innerHTML = found.html;
    if (!found.is_done) timer = setTimeout(drawOverview, FIGURES_MS);
  }
  async function drawRejects(reason, offset) {
    const found = await tell(() => ask("rejects", { v: state.v, reason, offset, limit: PAGE }));
    if (!found) return;
    const choice = make("select", {}, make("option", { value: "", textContent: "all reasons" }),
      ...Object.entries(facets.rejects).map(([name, number]) => make("option", { value: name, textContent: `${name} (${count(number)})` })));
    choice.value = reason;
    choice.onchange = () => drawRejects(choice.value, 0);
    const button = (text, to, isOff) => make("button", { type: "button", textContent: text, disabled: isOff, onclick: () => drawRejects(reason, to) });
    const table = make("section", { className: "box" });
    table.innerHTML = found.html;
    $("rejects").replaceChildren(make("h2", { textContent: "Source rows that are no samples" }), make("div", { className: "bar" }, choice,
      button("← Earlier", Math.max(0, offset - PAGE), offset === 0), button("Later →", offset + PAGE, found.is_last)), table);
  }

  // -- what readers do ---------------------------------------------------------------------------------------------
  function changed() {
    state.offset = 0;
    writeAddress();
    loadList();
  }
  $("filters").addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const { name, value } = button.dataset;
    state[name] = state[name] === value ? "" : value;
    changed();
  });
  $("items").addEventListener("click", (event) => {
    const item = event.target.closest("li");
    if (item) select(Number(item.dataset.n));
  });
  let typing = 0;
  $("search").addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(() => { state.text = $("search").value; changed(); }, 250);
  });
  $("order").addEventListener("change", () => { state.order = $("order").value; changed(); });
  $("version").addEventListener("change", () => {
    state.v = $("version").value;
    state.n = null;
    for (const name of FILTERS) state[name] = "";
    if (state.against === state.v) state.against = "";
    restart();
  });
  $("against").addEventListener("change", () => { state.against = $("against").value; state.change = ""; restart(); });
  $("before").addEventListener("click", () => turn(-1));
  $("after").addEventListener("click", () => turn(1));
  $("good").addEventListener("click", () => mark("good", $("why").value));
  $("bad").addEventListener("click", markBad);
  $("unmark").addEventListener("click", () => mark(null, ""));
  $("copy").addEventListener("click", copy);
  $("why").addEventListener("change", () => { if (shown && $("why").value !== shown.why) mark(shown.mark || "bad", $("why").value); });
  addEventListener("pagehide", sendWaiting);
  $("keys").addEventListener("click", () => $("help").showModal());
  for (const button of document.querySelectorAll("[data-tab]")) {
    button.addEventListener("click", () => { state.tab = button.dataset.tab; writeAddress(); showTab(); });
  }
  document.addEventListener("error", (event) => { if (event.target.matches?.("img.small")) event.target.classList.add("gone"); }, true);
  const KEYS = {
    j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1),
    "/": () => { $("search").focus(); $("search").select(); },
    g: () => mark("good", shown ? shown.why : ""), b: markBad, u: () => mark(null, ""), c: copy,
    s: () => { state.order = state.order === "stored" ? "suspicion" : "stored"; changed(); },
    "?": () => $("help").showModal(),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || $("help").open) return;
    const isTyping = event.target.matches("input, select, textarea");
    if (isTyping) {
      if (event.key === "Escape" || (event.key === "Enter" && event.target.matches("input"))) event.target.blur();
      return;
    }
    if (state.tab !== "samples" || !KEYS[event.key]) return;
    event.preventDefault();
    KEYS[event.key]();
  });
  async function restart() {
    state.offset = 0;
    if (await loadFacets()) {
      writeAddress();
      await showTab();
    }
  }
  async function open() {
    readAddress();
    if (!(await loadFacets())) return;
    writeAddress(true);
    await showTab();
  }
  addEventListener("popstate", open);
  open();
})();
