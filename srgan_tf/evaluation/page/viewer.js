"use strict";

// A viewer compares pictures of one size: .stage with a .pane for each picture, .boundary, a .slider, and buttons .in,
// .out and .reset with an <output>. The panes share --zoom, --x and --y, so that they always show the same place.
// With two <select>s of pictures, and a .toggle that shows all side by side, there may be more than two panes.
function attachViewer(viewer) {
  const stage = viewer.querySelector(".stage");
  const panes = [...stage.querySelectorAll(".pane")];
  const [left, right] = viewer.querySelectorAll("select");
  const slider = viewer.querySelector(".slider");
  const beside = viewer.querySelector(".toggle");
  const fingers = new Map(); // pointers that touch the stage, and where
  let pinched = false; // until all fingers are lifted
  let zoom = 1, x = 0, y = 0; // x and y: the picture's corner, in widths and heights of a pane

  const choose = () => {
    for (const pane of panes) {
      const isLeft = pane.dataset.name === left.value, isRight = pane.dataset.name === right.value;
      pane.hidden = !(isLeft || isRight);
      pane.classList.toggle("right", isRight && !isLeft);
      pane.style.zIndex = isRight ? 1 : 0;
    }
  };
  const show = () => {
    x = Math.min(0, Math.max(1 - zoom, x));
    y = Math.min(0, Math.max(1 - zoom, y));
    stage.style.setProperty("--zoom", zoom);
    stage.style.setProperty("--x", x);
    stage.style.setProperty("--y", y);
    stage.classList.toggle("zoomed", zoom > 1);
    viewer.querySelector("output").textContent = `${Math.round(zoom * 10) / 10}×`;
    viewer.dispatchEvent(new CustomEvent("zoom", { detail: zoom }));
  };
  const cut = share => {
    slider.value = Math.round(1000 * Math.min(1, Math.max(0, share)));
    stage.style.setProperty("--cut", slider.value / 1000);
  };
  // Enlarges about a place given in widths and heights of a pane: what lies there stays there.
  const zoomTo = (wanted, atX = 0.5, atY = 0.5) => {
    const next = Math.min(16, Math.max(1, wanted));
    x = atX - (atX - x) * next / zoom;
    y = atY - (atY - y) * next / zoom;
    zoom = next;
    show();
  };
  const isBeside = () => beside?.ariaPressed === "true";
  const place = event => {
    const pane = isBeside() ? event.target.closest(".pane") ?? panes[0] : stage;
    const box = pane.getBoundingClientRect();
    return { x: (event.clientX - box.left) / box.width, y: (event.clientY - box.top) / box.height, box };
  };

  left?.addEventListener("change", choose);
  right?.addEventListener("change", choose);
  slider.addEventListener("input", () => cut(slider.value / 1000));
  viewer.querySelector(".in").addEventListener("click", () => zoomTo(zoom * 2));
  viewer.querySelector(".out").addEventListener("click", () => zoomTo(zoom / 2));
  viewer.querySelector(".reset").addEventListener("click", () => zoomTo(1));
  beside?.addEventListener("click", () => {
    beside.ariaPressed = String(viewer.classList.toggle("beside"));
  });
  stage.addEventListener("wheel", event => {
    if (!event.ctrlKey) return; // the page scrolls
    event.preventDefault();
    const at = place(event);
    zoomTo(zoom * 2 ** (-event.deltaY / 200), at.x, at.y);
  }, { passive: false });
  stage.addEventListener("keydown", event => {
    const step = 0.1;
    const moves = { ArrowLeft: [step, 0], ArrowRight: [-step, 0], ArrowUp: [0, step], ArrowDown: [0, -step] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") zoomTo(zoom * 2);
    else if (event.key === "-") zoomTo(zoom / 2);
    else if (event.key === "0") zoomTo(1);
    else if (event.key in moves && zoom > 1) {
      x += moves[event.key][0];
      y += moves[event.key][1];
      show();
    } else return;
    event.preventDefault();
  });
  // A drag that begins at the boundary, or while nothing is enlarged, moves the boundary; else it moves the picture.
  // Two fingers zoom about the place between them.
  stage.addEventListener("pointerdown", event => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    pinched = fingers.size > 1;
    const start = place(event), from = { x, y };
    const onBoundary = Math.abs(start.x - slider.value / 1000) * start.box.width < 24;
    const moves = !isBeside() && (zoom === 1 || onBoundary);
    const move = next => {
      if (next.pointerId !== event.pointerId) return;
      const before = fingers.get(event.pointerId);
      fingers.set(event.pointerId, { x: next.clientX, y: next.clientY });
      if (fingers.size === 2) {
        const [other] = [...fingers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
        const span = at => Math.hypot(at.x - other.x, at.y - other.y);
        const middle = { x: (next.clientX + other.x) / 2, y: (next.clientY + other.y) / 2 };
        zoomTo(zoom * span({ x: next.clientX, y: next.clientY }) / Math.max(1, span(before)),
          (middle.x - start.box.left) / start.box.width, (middle.y - start.box.top) / start.box.height);
      }
      if (pinched) return;
      const dx = (next.clientX - event.clientX) / start.box.width, dy = (next.clientY - event.clientY) / start.box.height;
      if (moves) cut(start.x + dx);
      else {
        x = from.x + dx;
        y = from.y + dy;
        show();
      }
    };
    const stop = next => {
      if (next.pointerId !== event.pointerId) return;
      fingers.delete(event.pointerId);
      stage.removeEventListener("pointermove", move);
      stage.removeEventListener("pointerup", stop);
      stage.removeEventListener("pointercancel", stop);
    };
    stage.setPointerCapture(event.pointerId);
    stage.addEventListener("pointermove", move);
    stage.addEventListener("pointerup", stop);
    stage.addEventListener("pointercancel", stop);
    if (moves) cut(start.x);
  });
  if (left) choose();
  cut(0.5);
  show();
  return { zoomTo, cut };
}
