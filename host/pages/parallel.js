// Parallel coordinates: a line a design over the sweep's axes (by rank) and objectives. The front,
// or what was chosen above; at most 2,000 lines, since more are a block of colour.
(function () {
  const stage = document.getElementById('parallel');
  if (!stage || !sweepView) return;
  const { sweep, column, text, DONE } = sweepView, MOST = 2000;
  const filters = new Map();  // of a coordinate: the shares that are kept
  let active = 0;             // the coordinate that keys are for

  // Each gives the share of the height of a row: 0 below, 1 above.
  const coordinates = sweep.axes.map((axis, i) => ({
    name: axis.path.split('.').slice(-2).join('.'), full: axis.path,
    share: (row) => axis.values.length < 2 ? 0.5 : sweep.values[i][row] / (axis.values.length - 1),
    ticks: axis.values.length <= 12 ? axis.values.map((value, place) => [axis.values.length < 2 ? 0.5
      : place / (axis.values.length - 1), value]) : [[0, axis.values[0]], [1, axis.values[axis.values.length - 1]]],
  })).concat(sweep.objectives.map((objective, i) => {
    let low = Infinity, high = 0;
    const values = column(sweep, i);
    for (let row = 0; row < values.length; ++row)
      if (sweep.status[row] === DONE && values[row] > 0) {
        low = Math.min(low, values[row]);
        high = Math.max(high, values[row]);
      }
    const scale = scaleOf(low, high > low ? high : low * 2, 0, 1, true);
    return { name: objective.name, full: objective.name, share: (row) => scale.place(values[row]),
      ticks: isFinite(low) ? [[0, text(i, scale.from)], [1, text(i, scale.to)]] : [] };
  }));

  function candidates() {
    const chosen = sweepView.chosen(), rows = [];
    for (let row = 0; row < sweep.design.length; ++row) {
      if (sweep.status[row] !== DONE) continue;
      if (chosen ? chosen.has(row) : sweep.front[row]) rows.push(row);
    }
    return rows;
  }
  const kept = (row) => [...filters].every(([at, [low, high]]) => {
    const share = coordinates[at].share(row);
    return share >= low - 1e-9 && share <= high + 1e-9;
  });

  const said = element('p', { class: 'said', 'aria-live': 'polite' });
  const place = (at, width) => coordinates.length < 2 ? width / 2
    : 60 + at * (width - 120) / (coordinates.length - 1);
  const TOP = 46, FLOOR = 34;
  let tall = 0;
  const yOf = (share) => tall - FLOOR - share * (tall - FLOOR - TOP);

  const { canvas, redraw } = canvasIn(stage, 84 * coordinates.length, 380,
    'Parallel coordinates of the front. Arrows choose a coordinate and move its filter; the front is in the table.',
    (context, width, height) => {
      tall = height;
      const rows = candidates(), shown = rows.slice(0, MOST), colours = sweepView.axes.colour;
      const shades = sweepView.extent(colours), c = scaleOf(shades[0], shades[1], 0, 1, true);
      const values = column(sweep, colours);
      context.lineWidth = shown.length > 300 ? 0.8 : 1.3;
      for (const pass of [false, true])
        for (const row of shown) {
          if (kept(row) !== pass) continue;
          context.globalAlpha = pass ? 0.8 : 0.08;
          context.strokeStyle = pass ? sweepView.shade(c.place(values[row])) : colour('c7');
          context.beginPath();
          coordinates.forEach((coordinate, at) => {
            const x = place(at, width), y = yOf(coordinate.share(row));
            if (at) context.lineTo(x, y); else context.moveTo(x, y);
          });
          context.stroke();
        }
      context.globalAlpha = 1;
      coordinates.forEach((coordinate, at) => drawCoordinate(context, coordinate, at, width));
      said.textContent = shown.filter(kept).length + ' of ' + rows.length + ' designs' +
        (sweepView.chosen() ? ' that were chosen' : ' of the front') +
        (rows.length > MOST ? '; the first ' + MOST + ' are drawn' : '') + (filters.size ? ' pass the filters' : '');
    });
  stage.append(said);

  function drawCoordinate(context, coordinate, at, width) {
    const x = place(at, width), wide = (width - 120) / Math.max(1, coordinates.length - 1);
    context.strokeStyle = colour(at === active && document.activeElement === canvas ? 'accent' : 'muted');
    context.lineWidth = at === active && document.activeElement === canvas ? 2 : 1;
    context.beginPath();
    context.moveTo(x, yOf(0));
    context.lineTo(x, yOf(1));
    context.stroke();
    const fit = (name) => {
      let short = name;
      while (short.length > 4 && context.measureText(short).width > Math.max(60, wide - 8)) short = short.slice(0, -2) + '…';
      return short;
    };
    axisText(context, fit(coordinate.name), x, at % 2 && wide < 90 ? 14 : 28, 'center', 'ink');
    for (const [share, name] of coordinate.ticks) {
      const y = yOf(share), label = fit(String(name).split('/').pop()), size = context.measureText(label).width + 4;
      const left = at === coordinates.length - 1 ? x - 8 - size : x + 4;
      context.globalAlpha = 0.85;
      context.fillStyle = colour('panel');
      context.fillRect(left, y - 8, size, 14);
      context.globalAlpha = 1;
      axisText(context, label, left + 2, y + 4, 'left', 'muted');
    }
    const filter = filters.get(at);
    if (filter) {
      context.fillStyle = colour('accent');
      context.globalAlpha = 0.35;
      context.fillRect(x - 6, yOf(filter[1]) - 3, 12, yOf(filter[0]) - yOf(filter[1]) + 6);
      context.globalAlpha = 1;
    }
  }

  const coordinateAt = (px) => {
    let best = 0;
    coordinates.forEach((one, at) => {
      if (Math.abs(place(at, canvas.clientWidth) - px) < Math.abs(place(best, canvas.clientWidth) - px)) best = at;
    });
    return best;
  };
  const shareAt = (py) => Math.min(1, Math.max(0, (tall - FLOOR - py) / (tall - FLOOR - TOP)));
  let from = null;
  canvas.addEventListener('pointerdown', (event) => {
    const [px, py] = placeIn(canvas, event);
    active = coordinateAt(px);
    from = shareAt(py);
    filters.delete(active);
    canvas.setPointerCapture(event.pointerId);
    redraw();
  });
  canvas.addEventListener('pointermove', (event) => {
    if (from === null) return;
    const share = shareAt(placeIn(canvas, event)[1]);
    if (Math.abs(share - from) > 0.01) filters.set(active, [Math.min(from, share), Math.max(from, share)]);
    redraw();
  });
  canvas.addEventListener('pointerup', () => { from = null; });
  canvas.addEventListener('keydown', (event) => {
    const filter = filters.get(active) || [0, 1];
    if (event.key === 'ArrowLeft') active = Math.max(0, active - 1);
    else if (event.key === 'ArrowRight') active = Math.min(coordinates.length - 1, active + 1);
    else if (event.key === 'ArrowUp') filters.set(active, [Math.min(filter[0] + 0.1, filter[1]), filter[1]]);
    else if (event.key === 'ArrowDown') filters.set(active, [filter[0], Math.max(filter[1] - 0.1, filter[0])]);
    else if (event.key === 'Escape') filters.clear();
    else return;
    event.preventDefault();
    redraw();
  });
  canvas.addEventListener('focus', redraw);
  canvas.addEventListener('blur', redraw);
  sweepView.onChoice(() => { filters.clear(); redraw(); });
  redraw();
})();
