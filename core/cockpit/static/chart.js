// Bars as SVG: one for each value, the oldest on the left.

import { svg } from "./dom.js";
import { say } from "./language.js";

const HEIGHT = 60;
const STEP = 8;

/** `rows` are [whole, part] pairs; the part is drawn inside the whole. `title` names the chart for screen readers. */
export function bars(rows, title) {
  const most = Math.max(1, ...rows.map(([whole]) => whole));
  const width = Math.max(rows.length, 24) * STEP;
  const offset = width - rows.length * STEP;
  const chart = svg("svg", { class: "chart", viewBox: `0 0 ${width} ${HEIGHT}`, role: "img", preserveAspectRatio: "none" });
  chart.append(svg("title", {}, say(title, { most: Math.round(most) })));
  rows.forEach(([whole, part], index) => {
    chart.append(bar(offset + index * STEP, (whole / most) * HEIGHT, "whole"));
    if (part) chart.append(bar(offset + index * STEP, (part / most) * HEIGHT, "part"));
  });
  return chart;
}

function bar(x, height, kind) {
  const tall = Math.max(height, 1).toFixed(1);
  return svg("rect", { class: kind, x, y: (HEIGHT - tall).toFixed(1), width: STEP - 2, height: tall, rx: 1 });
}
