// All designs of a sweep, two of their figures against each other, a third as colour: the front as a
// staircase, what was not run faint. Axes are chosen above; dragging chooses designs, which
// the parallel coordinates and the table follow; arrows go along the front.
const sweepView = (function () {
  const stage = document.getElementById('pareto');
  if (!stage || !DATA.sweep) return null;
  const sweeps = [DATA.sweep].concat(DATA.other ? [DATA.other] : []);
  const sweep = sweeps[0];
  const listeners = [];
  let chosen = null, focused = -1;  // designs in the box that was drawn; a row

  // Figures that every sweep shown has: objectives, then numeric axes.
  const figures = sweep.objectives.map((objective, i) => ({ name: objective.name, unit: objective.unit,
    scale: objective.scale, of: (one) => one.figures[i] }));
  sweep.axes.forEach((axis, i) => {
    if (!axis.numeric) return;
    const numbers = (one) => {
      const at = one.axes.findIndex((other) => other.path === axis.path);
      return at < 0 ? null : one.values[at].map((place) => Number(one.axes[at].values[place]));
    };
    if (sweeps.every((one) => numbers(one))) figures.push({ name: axis.path, unit: '', scale: 1, of: numbers });
  });
  const cached = new Map();
  function column(one, figure) {
    const key = sweeps.indexOf(one) + ':' + figure;
    if (!cached.has(key)) cached.set(key, Float64Array.from(figures[figure].of(one),
      (value) => value === null ? NaN : value * figures[figure].scale));
    return cached.get(key);
  }
  // Square millimetres and dollars have no prefixes; figures of axes are as they are written.
  function text(figure, value) {
    const unit = figures[figure].unit, short = String(Number(value.toPrecision(4)));
    if (unit === 'USD') return '$' + short;
    return unit === 'mm²' || unit === '' ? (short + ' ' + unit).trim() : withUnit(value, unit);
  }

  const named = (name, other) => { const at = figures.findIndex((one) => one.name === name); return at < 0 ? other : at; };
  let axes = { x: named('time', 0), y: named('area', Math.min(1, figures.length - 1)),
    colour: named('energy', Math.min(2, figures.length - 1)) };
  let logarithmic = true;

  const controls = element('div', { class: 'controls' });
  const choice = (label, key) => {
    const select = element('select', { id: 'pareto-' + key });
    figures.forEach((figure, i) => select.append(element('option', { value: i }, figure.name)));
    select.value = axes[key];
    select.addEventListener('change', () => { axes[key] = Number(select.value); choose(null); update(); });
    controls.append(element('label', {}, label, select));
  };
  choice('to the right', 'x');
  choice('upwards', 'y');
  choice('colour', 'colour');
  const box = element('input', { type: 'checkbox', checked: true, id: 'pareto-log' });
  box.addEventListener('change', () => { logarithmic = box.checked; update(); });
  controls.append(element('label', { class: 'row' }, box, 'logarithmic'));
  const unrun = element('input', { type: 'checkbox', checked: true, id: 'pareto-unrun' });
  unrun.addEventListener('change', update);
  controls.append(element('label', { class: 'row' }, unrun, 'bounds of what was not run'));
  const all = element('button', { type: 'button', disabled: true }, 'Choose all');
  all.addEventListener('click', () => choose(null));
  controls.append(all);
  stage.append(controls);
  const said = element('p', { class: 'said', 'aria-live': 'polite' });

  const DONE = 2;
  const isShown = (one, row) => one.status[row] === DONE || (one.status[row] < DONE && unrun.checked);

  // From the best to the worst: blue over grey to yellow, which is read without red and green, too
  // (as cividis: Nunez, Anderton and Renslow, PLOS ONE 13(7), 2018); lighter on a dark page.
  const STOPS_ON = { light: [[0, 42, 102], [66, 78, 108], [125, 124, 120], [188, 175, 111], [240, 215, 40]],
    dark: [[70, 140, 235], [110, 150, 195], [150, 155, 155], [200, 190, 110], [255, 234, 70]] };
  const night = window.matchMedia('(prefers-color-scheme: dark)'), paper = window.matchMedia('print');
  function shade(share) {
    const STOPS = STOPS_ON[night.matches && !paper.matches ? 'dark' : 'light'];
    const at = Math.min(0.9999, Math.max(0, share)) * (STOPS.length - 1), i = Math.floor(at), part = at - i;
    return 'rgb(' + STOPS[i].map((low, c) => Math.round(low + part * (STOPS[i + 1][c] - low))).join() + ')';
  }

  function extent(figure) {
    let low = Infinity, high = -Infinity;
    for (const one of sweeps) {
      const values = column(one, figure);
      for (let row = 0; row < values.length; ++row)
        if (isShown(one, row) && isFinite(values[row]) && (!logarithmic || values[row] > 0)) {
          low = Math.min(low, values[row]);
          high = Math.max(high, values[row]);
        }
    }
    if (!(low <= high)) return [1, 10];
    if (low === high) return logarithmic ? [low / 2, high * 2] : [low - Math.abs(low) / 2 - 1, high + Math.abs(high) / 2 + 1];
    const room = 0.04;
    return logarithmic ? [low * Math.pow(low / high, room), high * Math.pow(high / low, room)]
      : [low - room * (high - low), high + room * (high - low)];
  }

  // Of the runs: those that no other one beats in both figures, from the left.
  function staircase(one) {
    const xs = column(one, axes.x), ys = column(one, axes.y), rows = [];
    for (let row = 0; row < xs.length; ++row)
      if (one.status[row] === DONE && isFinite(xs[row]) && isFinite(ys[row])) rows.push(row);
    rows.sort((a, b) => xs[a] - xs[b] || ys[a] - ys[b]);
    let least = Infinity;
    return rows.filter((row) => ys[row] < least && ((least = ys[row]), true));
  }

  let view = null;
  function draw(context, width, height) {
    const xs = extent(axes.x), ys = extent(axes.y), shades = extent(axes.colour);
    const x = scaleOf(xs[0], xs[1], 88, width - 18, logarithmic);
    const y = scaleOf(ys[0], ys[1], height - 50, 34, logarithmic);
    const c = scaleOf(shades[0], shades[1], 0, 1, logarithmic);
    view = { x, y };
    drawAxes(context, x, y, { xName: figures[axes.x].name, yName: figures[axes.y].name,
      xText: (value) => text(axes.x, value), yText: (value) => text(axes.y, value) });
    context.save();
    context.beginPath();
    context.rect(x.begin, y.end, x.end - x.begin, y.begin - y.end);
    context.clip();
    sweeps.forEach((one, which) => drawPoints(context, one, which, x, y, c));
    context.restore();
    sweeps.forEach((one, which) => drawStairs(context, one, which, x, y));
    drawShades(context, width, c);
    if (focused >= 0) ring(context, x, y, focused);
    if (drawn) {
      context.strokeStyle = colour('accent');
      context.setLineDash([4, 3]);
      context.strokeRect(Math.min(drawn[0], drawn[2]), Math.min(drawn[1], drawn[3]),
        Math.abs(drawn[2] - drawn[0]), Math.abs(drawn[3] - drawn[1]));
      context.setLineDash([]);
    }
  }

  // A design that was run is a disc; one that was not, a faint point at its bounds; of the other
  // sweep, a hollow square.
  function drawPoints(context, one, which, x, y, c) {
    const xs = column(one, axes.x), ys = column(one, axes.y), cs = column(one, axes.colour);
    const faint = colour('c7');
    context.globalAlpha = 0.35;
    context.fillStyle = faint;
    if (unrun.checked)
      for (let row = 0; row < xs.length; ++row)
        if (one.status[row] < DONE) context.fillRect(x.place(xs[row]) - 1, y.place(ys[row]) - 1, 2, 2);
    context.globalAlpha = 1;
    for (let row = 0; row < xs.length; ++row) {
      if (one.status[row] !== DONE || !(isFinite(xs[row]) && isFinite(ys[row]))) continue;
      const px = x.place(xs[row]), py = y.place(ys[row]), off = which === 0 && chosen && !chosen.has(row);
      if (which === 1) {
        context.strokeStyle = shade(c.place(cs[row]));
        context.strokeRect(px - 3, py - 3, 6, 6);
        continue;
      }
      context.globalAlpha = off ? 0.15 : 1;
      context.fillStyle = shade(c.place(cs[row]));
      context.beginPath();
      context.arc(px, py, one.front[row] ? 4.5 : 2.6, 0, 7);
      context.fill();
      if (one.front[row]) {
        context.strokeStyle = colour('ink');
        context.lineWidth = 1;
        context.stroke();
      }
    }
    context.globalAlpha = 1;
  }

  function drawStairs(context, one, which, x, y) {
    const xs = column(one, axes.x), ys = column(one, axes.y), rows = staircase(one);
    if (rows.length === 0) return;
    context.strokeStyle = colour(which === 0 ? 'c5' : 'c3');
    context.lineWidth = 1.6;
    if (which === 1) context.setLineDash([6, 4]);
    context.beginPath();
    context.moveTo(x.place(xs[rows[0]]), y.end);
    rows.forEach((row, i) => {
      context.lineTo(x.place(xs[row]), i ? y.place(ys[rows[i - 1]]) : y.end);
      context.lineTo(x.place(xs[row]), y.place(ys[row]));
    });
    context.lineTo(x.end, y.place(ys[rows[rows.length - 1]]));
    context.stroke();
    context.setLineDash([]);
  }

  function drawShades(context, width, c) {
    const size = Math.min(150, width / 3), left = width - 18 - size;
    for (let i = 0; i < size; ++i) {
      context.fillStyle = shade(i / size);
      context.fillRect(left + i, 14, 1.5, 9);
    }
    axisText(context, figures[axes.colour].name + '  ' + text(axes.colour, c.value(0)), left - 6, 22, 'right');
    axisText(context, text(axes.colour, c.value(1)), width - 18, 11, 'right');
  }

  function ring(context, x, y, row) {
    context.strokeStyle = colour('ink');
    context.lineWidth = 2.2;
    context.beginPath();
    context.arc(x.place(column(sweep, axes.x)[row]), y.place(column(sweep, axes.y)[row]), 9, 0, 7);
    context.stroke();
  }

  let drawn = null;
  const { canvas, redraw } = canvasIn(stage, 280, (width) => Math.round(Math.min(560, Math.max(340, width * 0.5))),
    'Designs of the sweep. Arrows go along the front, Enter shows the command that repeats a design; the front is in the table below.', draw);
  const tip = tipIn(stage);
  stage.append(said);

  function lineOf(row) {
    return sweep.lines.map((slot) => slot.axis !== undefined ? slot.texts[sweep.values[slot.axis][row]]
      : slot.text !== undefined ? slot.text : slot.texts[slot.of[row]]).filter((part) => part !== '').join(' --set ');
  }
  const STATUS = ['open: at its lower bounds', 'pruned: at its lower bounds', 'run exactly', 'infeasible', 'failed'];
  function about(row, other) {
    const one = other || sweep, lines = ['design ' + one.design[row] + (one.front[row] ? ', on the front' : '')];
    figures.slice(0, one.objectives.length).forEach((figure, i) =>
      lines.push(figure.name + ': ' + (one.status[row] < DONE ? '≥ ' : '') + text(i, column(one, i)[row])));
    one.axes.forEach((axis, i) => lines.push(axis.path + ' = ' + axis.values[one.values[i][row]]));
    lines.push(STATUS[one.status[row]]);
    if (one.boundBy[row] >= 0) lines.push('bound by ' + one.boundNames[one.boundBy[row]]);
    return lines.join('\n');
  }

  function nearest(px, py) {
    const xs = column(sweep, axes.x), ys = column(sweep, axes.y);
    let best = -1, least = 14 * 14;
    for (let row = 0; row < xs.length; ++row) {
      if (!isShown(sweep, row)) continue;
      const dx = view.x.place(xs[row]) - px, dy = view.y.place(ys[row]) - py;
      const distance = dx * dx + dy * dy + (sweep.status[row] === DONE ? 0 : 36);
      if (distance < least) { least = distance; best = row; }
    }
    return best;
  }

  function focus(row, withLine) {
    focused = row;
    redraw();
    if (row < 0) return tip.hide();
    tip.show(about(row), view.x.place(column(sweep, axes.x)[row]),
      view.y.place(column(sweep, axes.y)[row]) + canvas.offsetTop);
    if (withLine) said.textContent = lineOf(row);
  }

  // Rows that are in the box; null: all.
  function choose(rows) {
    chosen = rows;
    all.disabled = rows === null;
    if (rows) said.textContent = rows.size + ' designs that were run are chosen';
    else said.textContent = '';
    for (const listener of listeners) listener(chosen);
    redraw();
  }

  canvas.addEventListener('pointerdown', (event) => {
    const [px, py] = placeIn(canvas, event);
    drawn = [px, py, px, py];
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointermove', (event) => {
    const [px, py] = placeIn(canvas, event);
    if (drawn) {
      drawn[2] = px;
      drawn[3] = py;
      return redraw();
    }
    const row = nearest(px, py);
    if (row !== focused) focus(row, false);
  });
  canvas.addEventListener('pointerup', () => {
    if (!drawn) return;
    const [x1, y1, x2, y2] = drawn;
    drawn = null;
    if (Math.abs(x2 - x1) < 4 && Math.abs(y2 - y1) < 4) {
      const row = nearest(x2, y2);
      if (row >= 0) focus(row, true);
      else choose(null);
      return;
    }
    const xs = column(sweep, axes.x), ys = column(sweep, axes.y), rows = new Set();
    const from = [view.x.value(Math.min(x1, x2)), view.x.value(Math.max(x1, x2))];
    const up = [view.y.value(Math.max(y1, y2)), view.y.value(Math.min(y1, y2))];
    for (let row = 0; row < xs.length; ++row)
      if (sweep.status[row] === DONE && xs[row] >= from[0] && xs[row] <= from[1] && ys[row] >= up[0] && ys[row] <= up[1])
        rows.add(row);
    choose(rows.size ? rows : null);
  });
  canvas.addEventListener('pointerleave', () => { if (!drawn) focus(-1); });
  canvas.addEventListener('keydown', (event) => {
    const rows = staircase(sweep);
    if (event.key === 'Escape') { focus(-1); return choose(null); }
    if (event.key === 'Enter' && focused >= 0) return focus(focused, true);
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step || rows.length === 0) return;
    event.preventDefault();
    const at = rows.indexOf(focused);
    focus(rows[at < 0 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))], true);
  });

  function update() {
    focused = -1;
    tip.hide();
    redraw();
  }
  // The table of the front has those that are chosen.
  const lines = [...document.querySelectorAll('#front-table tbody tr')];
  listeners.push((rows) => {
    const designs = rows && new Set([...rows].map((row) => String(sweep.design[row])));
    for (const line of lines) line.hidden = designs !== null && !designs.has(line.cells[0].textContent);
  });

  redraw();
  return { sweep, column, figures, text, shade, axes, extent, DONE,
    onChoice: (listener) => listeners.push(listener), chosen: () => chosen };
})();
