"use strict";
(() => {
  const SVG = "http://www.w3.org/2000/svg";

  const made = (name, look, numbers) => {
    const node = document.createElementNS(SVG, name);
    node.setAttribute("class", look);
    for (const [key, value] of Object.entries(numbers)) node.setAttribute(key, value);
    return node;
  };

  const enliven = (chart) => {
    const texts = JSON.parse(chart.dataset.stops);
    if (!texts.length) return;
    const byX = chart.dataset.by === "x";
    const tip = document.createElement("div");
    tip.className = "tip";
    tip.setAttribute("role", "status");
    tip.hidden = true;
    chart.append(tip);
    let overlay = null;

    const hide = () => {
      tip.hidden = true;
      if (overlay) overlay.remove();
      overlay = null;
    };

    const placeTip = (svg, x, y) => {
      const box = svg.viewBox.baseVal;
      const scale = svg.clientWidth / box.width || svg.getBoundingClientRect().width / box.width;
      const at = x * scale;
      const room = chart.clientWidth - tip.offsetWidth;
      const right = at + 12;
      tip.style.left = `${Math.max(0, Math.min(right > room ? at - 12 - tip.offsetWidth : right, room))}px`;
      tip.style.top = `${Math.max(0, y * scale - tip.offsetHeight - 10)}px`;
    };

    for (const svg of chart.querySelectorAll("svg")) {
      const stops = svg.dataset.at.split(";").map((stop) => stop.split(" ").map(Number));
      const [top, bottom] = svg.dataset.guide.split(" ").map(Number);
      let shown = -1;

      const show = (place) => {
        shown = place;
        if (overlay) overlay.remove();
        const [x, ...ys] = stops[place];
        overlay = document.createElementNS(SVG, "g");
        if (byX) overlay.append(made("line", "guide", { x1: x, x2: x, y1: top, y2: bottom }));
        for (const y of ys) overlay.append(made("circle", "ring", { cx: x, cy: y, r: 6 }));
        svg.append(overlay);
        tip.replaceChildren(
          ...texts[place].map((line) => {
            const row = document.createElement("div");
            row.textContent = line;
            return row;
          }),
        );
        tip.hidden = false;
        placeTip(svg, x, Math.min(...ys));
      };

      const nearest = (event) => {
        const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(svg.getScreenCTM().inverse());
        const far = ([x, ...ys]) =>
          byX ? Math.abs(x - place.x) : Math.min(...ys.map((y) => Math.hypot(x - place.x, y - place.y)));
        return stops.reduce((best, stop, at) => (far(stop) < far(stops[best]) ? at : best), 0);
      };

      svg.addEventListener("pointermove", (event) => show(nearest(event)));
      svg.addEventListener("pointerdown", (event) => show(nearest(event)));
      svg.addEventListener("pointerleave", (event) => {
        if (event.pointerType === "mouse") hide();
      });
      svg.addEventListener("blur", hide);
      svg.addEventListener("keydown", (event) => {
        const last = stops.length - 1;
        const next = {
          ArrowRight: Math.min(shown + 1, last), ArrowDown: Math.min(shown + 1, last),
          ArrowLeft: Math.max(shown - 1, 0), ArrowUp: Math.max(shown - 1, 0), Home: 0, End: last,
        }[event.key];
        if (event.key === "Escape") {
          hide();
          shown = -1;
        } else if (next !== undefined) {
          event.preventDefault();
          show(next);
        }
      });
    }
  };

  document.querySelectorAll(".chart").forEach(enliven);
})();
