"use strict";

const $ = id => document.getElementById(id);
const LARGEST_SHOWN = 120e6; // pixels of a result that browsers can show
const items = []; // pictures: { file, url, state, row, ... }, in the order of the list
let chosen = null; // the picture in the viewer
let running = null; // the picture that is upscaled
let server = { models: [], formats: [], limits: {} };

// Settings ------------------------------------------------------------------------------------------------------------

const model = () => server.models.find(each => each.name === $("model").value);
const factor = () => document.querySelector("input[name=size]:checked").value;

function settings() {
  const options = { model: model().name, format: $("format").value };
  if (factor() === "fit") options.size = `${$("width").value}x${$("height").value}`;
  else options.scale = factor();
  if (model().has_strength && Number($("strength").value) < 1) options.strength = $("strength").value;
  return options;
}

function resultSize(width, height) {
  const times = factor() === "fit" ? Math.min($("width").value / width, $("height").value / height) : Number(factor());
  return [width, height].map(side => Math.max(1, Math.round(side * times)));
}

const sized = (width, height) => `${width}\u2009×\u2009${height}`;

function showSettings() {
  const current = model();
  $("summary").textContent = current.summary;
  $("strengths").hidden = !current.has_strength;
  $("level").textContent = Number($("strength").value).toFixed(2);
  $("box").hidden = factor() !== "fit";
  const width = chosen?.width, height = chosen?.height;
  const size = width ? resultSize(width, height) : null;
  const pixels = size ? size[0] * size[1] : 0;
  const tooLarge = pixels > server.limits.result_pixels;
  $("outcome").textContent = size ? `${sized(width, height)} becomes ${sized(...size)}${tooLarge ? ": too large" : ""}` : "";
  $("outcome").classList.toggle("bad", tooLarge);
  try {
    localStorage.setItem("settings", JSON.stringify({ ...settings(), strength: $("strength").value }));
  } catch { /* private windows may have no storage */ }
  showButton();
}

function restoreSettings() {
  let saved = {};
  try {
    saved = JSON.parse(localStorage.getItem("settings")) ?? {};
  } catch { /* nothing was saved */ }
  if (server.models.some(each => each.name === saved.model)) $("model").value = saved.model;
  if (server.formats.includes(saved.format)) $("format").value = saved.format;
  if (saved.strength) $("strength").value = saved.strength;
  const [width, height] = (saved.size ?? "").split("x");
  if (height) [$("width").value, $("height").value] = [width, height];
  const radio = document.querySelector(`input[name=size][value="${saved.size ? "fit" : Number(saved.scale) || 4}"]`);
  if (radio) radio.checked = true;
}

// The list of pictures ------------------------------------------------------------------------------------------------

// Work to do: what is new, and what was done or failed with other settings.
const pending = () => {
  const now = JSON.stringify(settings());
  return items.filter(item => item.state === "ready" || (item.settings !== now && ["done", "failed"].includes(item.state)));
};

function add(files) {
  let first = null;
  for (const file of files) {
    const row = $("row").content.cloneNode(true).firstElementChild;
    const item = { file, row, url: URL.createObjectURL(file), state: "ready" };
    items.push(item);
    first ??= item;
    row.querySelector("b").textContent = file.name;
    row.querySelector(".row").title = file.name;
    row.querySelector(".row").addEventListener("click", () => choose(item));
    row.querySelector(".remove").addEventListener("click", () => remove(item));
    const image = row.querySelector("img");
    image.addEventListener("load", () => {
      if (item.before) return;
      item.width = image.naturalWidth;
      item.height = image.naturalHeight;
      item.isShown = true;
      showItem(item);
      if (item === chosen) choose(item);
    });
    image.addEventListener("error", () => { image.hidden = true; });
    image.src = item.url;
    $("list").append(row);
    showItem(item);
  }
  if (first && !running) choose(first);
  showButton();
}

function remove(item) {
  item.abort?.abort();
  const place = items.indexOf(item);
  if (place < 0) return;
  items.splice(place, 1);
  item.row.remove();
  URL.revokeObjectURL(item.url);
  if (item.result) fetch(item.result, { method: "DELETE" });
  if (chosen === item) choose(items[Math.min(place, items.length - 1)] ?? null);
  showButton();
}

function duration(seconds) {
  if (seconds < 1.5) return "1 s";
  if (seconds < 90) return `${Math.round(seconds)} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

// Between two tiles the bar moves on by the estimate, more slowly the longer the next tile takes.
function progress(item) {
  const passed = (performance.now() - item.at) / 1000;
  if (!item.left) return { done: item.done, left: null };
  const share = passed / item.left;
  const eased = share < 0.7 ? share : 0.7 + 0.3 * (1 - Math.exp((0.7 - share) / 0.6));
  item.shown = Math.max(item.shown ?? 0, Math.min(0.99, item.done + (1 - item.done) * eased));
  return { done: item.shown, left: Math.max(0, item.left - passed) };
}

function statusOf(item) {
  switch (item.state) {
    case "queued": return "Waiting";
    case "sending": return "Sending…";
    case "waiting": return item.ahead ? `Waiting, ${item.ahead} ahead` : "Waiting";
    case "loading": return "Loading the model…";
    case "running": {
      const { done, left } = progress(item);
      return `${Math.floor(100 * done)} %${left === null ? "" : ` · ${duration(left)} left`}`;
    }
    case "done": return [`${sized(...item.size)} · ${duration(item.seconds)}`, ...item.notes].join("; ");
    case "failed": return item.error;
    default: return item.width ? sized(item.width, item.height) : (item.file.type || "picture");
  }
}

function showItem(item) {
  const { row } = item, bar = row.querySelector("progress");
  const isBusy = ["sending", "waiting", "loading", "running"].includes(item.state);
  row.querySelector("small").textContent = statusOf(item);
  row.classList.toggle("failed", item.state === "failed");
  row.classList.toggle("done", item.state === "done");
  row.classList.toggle("chosen", item === chosen);
  row.querySelector(".row").ariaCurrent = String(item === chosen);
  bar.hidden = !isBusy;
  if (item.state === "running") bar.value = progress(item).done;
  else bar.removeAttribute("value");
  const save = row.querySelector(".save");
  save.hidden = item.state !== "done";
  if (item.result) save.href = `${item.result}?download`;
  const left = item.state === "running" ? `${Math.floor(100 * progress(item).done)} % – ` : "";
  if (item === running) document.title = `${left}Upscale`;
}

function showButton() {
  const todo = server.models.length ? pending() : [], done = items.filter(item => item.state === "done");
  const again = todo.length && todo.every(item => item.state !== "ready") ? " again" : "";
  $("go").classList.toggle("stop", Boolean(running));
  $("go").disabled = !running && !todo.length;
  $("go").textContent = running ? "Stop" : `Upscale${todo.length > 1 ? ` ${todo.length} pictures` : ""}${again}`;
  $("all").hidden = !items.length;
  $("zip").hidden = done.length < 2;
  $("zip").href = `results.zip?${new URLSearchParams(done.map(item => ["id", item.result.split("/")[1]]))}`;
}

// The viewer ----------------------------------------------------------------------------------------------------------

const viewer = $("viewer"), stage = viewer.querySelector(".stage");
const [beforeImage, afterImage] = stage.querySelectorAll("img");
let view;

function choose(item) {
  const isOther = item !== chosen;
  chosen = item;
  for (const each of items) showItem(each);
  $("empty").hidden = Boolean(item);
  $("hint").hidden = true;
  viewer.hidden = !item;
  $("caption").textContent = item?.file.name ?? "";
  $("download").hidden = item?.state !== "done";
  if (item) showPicture(item, isOther);
  if (item?.state === "failed") hint(item.error);
  if (server.models.length) showSettings();
}

function showPicture(item, isOther) {
  const isShown = item.state === "done" && item.size[0] * item.size[1] <= LARGEST_SHOWN;
  const [width, height] = isShown ? item.size : [item.width, item.height];
  viewer.classList.toggle("single", !isShown);
  if (item.state === "done") $("download").href = `${item.result}?download`;
  if (item.state === "failed" || !width || !(item.isShown || item.before)) {
    viewer.hidden = true;
    if (item.state !== "failed") hint("The browser cannot show this format. It can be upscaled all the same.");
    return;
  }
  if (item.state === "done" && !isShown) hint("The result is too large to be shown here: download it.");
  stage.style.setProperty("--aspect", `${width} / ${height}`);
  stage.style.setProperty("--ratio", width / height);
  viewer.style.setProperty("--ratio", width / height);
  viewer.style.setProperty("--most", `${Math.max(480, 2 * width)}px`);
  setImage(beforeImage, item.before ?? item.url);
  if (isShown) setImage(afterImage, item.result);
  else afterImage.removeAttribute("src");
  if (isOther) {
    view.zoomTo(1);
    view.cut(0.5);
  }
}

function setImage(image, url) {
  if (image.getAttribute("src") !== url) image.src = url;
}

function hint(text) {
  $("hint").textContent = text;
  $("hint").hidden = false;
}

afterImage.addEventListener("error", () => {
  if (afterImage.getAttribute("src")) hint("The result has been deleted on the server: upscale the picture again.");
});

// Upscaling -----------------------------------------------------------------------------------------------------------

async function upscaleAll() {
  const queue = pending(), now = settings();
  for (const item of queue) update(item, { state: "queued", settings: JSON.stringify(now) });
  for (const item of queue) {
    if (item.state !== "queued" || !items.includes(item)) continue;
    running = item;
    showButton();
    await upscale(item, now);
    if (item === chosen) choose(item);
    else if (item.state === "done" && chosen?.state !== "done") choose(item);
    $("news").textContent = `${item.file.name}: ${statusOf(item)}`;
  }
  running = null;
  document.title = "Upscale";
  showButton();
}

function stop() {
  for (const item of items) if (item.state === "queued") update(item, { state: "ready" });
  running?.abort?.abort();
}

function update(item, changes) {
  Object.assign(item, changes);
  showItem(item);
}

const sleep = (seconds, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * seconds);
  signal.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); });
});

async function upscale(item, options) {
  item.abort = new AbortController();
  const { signal } = item.abort;
  const old = item.result;
  try {
    update(item, { state: "sending", shown: 0, before: null, result: null });
    if (item.file.size > server.limits.body) throw new Error(`larger than ${Math.round(server.limits.body / 2 ** 20)} MiB`);
    const query = new URLSearchParams({ ...options, name: item.file.name });
    let response;
    for (;;) {
      const headers = { Accept: "application/x-ndjson", "Content-Type": "application/octet-stream" };
      response = await fetch(`upscale?${query}`, { method: "POST", body: item.file, headers, signal });
      if (response.status !== 429) break;
      update(item, { state: "waiting", ahead: 0 });
      await sleep(Math.min(10, Number(response.headers.get("Retry-After")) || 5), signal);
    }
    if (!response.ok) throw new Error((await response.json()).error);
    for await (const message of lines(response.body)) {
      update(item, { ...message, at: performance.now() });
    }
    if (item.state === "done") {
      [item.width, item.height] = item.input;
      if (item.before) {
        const thumb = item.row.querySelector("img");
        thumb.hidden = false;
        thumb.src = item.before;
      }
      if (old) fetch(old, { method: "DELETE" });
    } else if (item.state !== "failed") throw new Error("The server ended before the picture was done.");
    showItem(item);
  } catch (error) {
    if (signal.aborted) update(item, { state: "ready" });
    else update(item, { state: "failed", error: error instanceof TypeError ? "The server does not answer." : error.message });
  }
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    for (const part of parts) yield JSON.parse(part);
  }
}

// Input ---------------------------------------------------------------------------------------------------------------

// Files of a drop, with those in dropped folders.
async function filesOf(transfer) {
  const entries = [...transfer.items].map(item => item.webkitGetAsEntry?.()).filter(Boolean);
  if (!entries.some(entry => entry.isDirectory)) return [...transfer.files];
  const read = async entry => {
    if (entry.isFile) return [await new Promise((resolve, reject) => entry.file(resolve, reject))];
    const reader = entry.createReader(), found = [];
    for (;;) {
      const some = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (!some.length) break;
      found.push(...some);
    }
    return (await Promise.all(found.map(read))).flat().filter(file => file.type.startsWith("image/"));
  };
  return (await Promise.all(entries.map(read))).flat();
}

const hasFiles = event => event.dataTransfer?.types.includes("Files");
addEventListener("dragover", event => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  document.body.classList.add("dragging");
});
addEventListener("dragleave", event => {
  if (!event.relatedTarget) document.body.classList.remove("dragging");
});
addEventListener("drop", async event => {
  if (!hasFiles(event)) return;
  event.preventDefault();
  document.body.classList.remove("dragging");
  add(await filesOf(event.dataTransfer));
});
addEventListener("paste", event => add(event.clipboardData.files));
$("files").addEventListener("change", () => {
  add($("files").files);
  $("files").value = "";
});
for (const id of ["add", "choose"]) $(id).addEventListener("click", () => $("files").click());
$("help").addEventListener("click", () => $("keys").showModal());
$("go").addEventListener("click", () => running ? stop() : upscaleAll());
$("clear").addEventListener("click", () => { for (const item of [...items]) remove(item); });
$("settings").addEventListener("input", showSettings);
$("settings").addEventListener("submit", event => event.preventDefault());

const keys = {
  o: () => $("files").click(),
  "?": () => $("keys").showModal(),
  s: () => chosen?.state === "done" && $("download").click(),
  j: () => move(1),
  k: () => move(-1),
  Delete: () => chosen && remove(chosen),
  Escape: () => running && stop(),
  Enter: () => running || upscaleAll(),
};
function move(step) {
  const next = items[items.indexOf(chosen) + step];
  if (!next) return;
  choose(next);
  next.row.scrollIntoView({ block: "nearest" });
}
addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || $("keys").open) return;
  if (event.target.closest("select, input:not([type=range], [type=radio])")) return;
  if (event.key === "Enter" && event.target.closest("button, a")) return;
  const action = keys[event.key];
  if (action) {
    event.preventDefault();
    action();
  } else if ("+=-0".includes(event.key) && event.target !== stage && !viewer.hidden) {
    stage.dispatchEvent(new KeyboardEvent("keydown", { key: event.key, cancelable: true }));
  }
});
addEventListener("beforeunload", event => {
  if (running) event.preventDefault();
});
setInterval(() => { if (running?.state === "running") showItem(running); }, 250);

// Start ---------------------------------------------------------------------------------------------------------------

view = attachViewer(viewer);
(async () => {
  server = await (await fetch("models")).json();
  for (const each of server.models) $("model").append(new Option(each.name, each.name));
  for (const each of server.formats) $("format").append(new Option(each.toUpperCase(), each));
  restoreSettings();
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  if (isHere) $("where").textContent += " They stay on this computer.";
  showSettings();
})();
