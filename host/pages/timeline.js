// The timeline: a track a unit, coloured by what the work is, waits hatched; below, what memory
// moved. Wheel and + - zoom, dragging and arrows move, Home shows all.
(function () {
  const stage = document.getElementById('timeline');
  if (!stage || !DATA.timeline) return;
  const timeline = DATA.timeline, tracks = timeline.tracks;
  const whole = [timeline.begin, Math.max(timeline.end, timeline.begin + 1e-6)];
  let view = whole.slice(), hover = null;

  // "gemm frozen_forward for y": the colour goes by what is before "for".
  const kindOf = timeline.names.map((name) => name.split(' for ')[0]);
  const isWait = (track) => track.name === 'array waits for';
  const times = new Map(), waits = new Map();
  for (const track of tracks)
    track.of.forEach((name, i) => {
      const sums = isWait(track) ? waits : times;
      sums.set(kindOf[name], (sums.get(kindOf[name]) || 0) + track.length[i]);
    });
  const ranked = (sums) => [...sums.keys()].sort((a, b) => sums.get(b) - sums.get(a));
  // Kinds that take much time have a colour of their own.
  const WORK = ['c0', 'c2', 'c1', 'c4', 'c3', 'c6'], WAITS = ['c5', 'c7', 'c3', 'c1', 'c4', 'c6', 'c0'];
  const styles = new Map(), waitStyles = new Map();
  ranked(times).forEach((kind, i) => styles.set(kind, i < WORK.length ? WORK[i] : 'c7'));
  ranked(waits).forEach((kind, i) => waitStyles.set(kind, WAITS[i % WAITS.length]));

  const ROW = 30, TOP = 8, CURVE = timeline.memory ? 96 : 0;
  const left = 124, right = 16;
  const height = TOP + tracks.length * ROW + (CURVE ? CURVE + 18 : 0) + 44;
  const legend = element('ul', { class: 'legend' });
  for (const [sums, of, word] of [[times, styles, ''], [waits, waitStyles, 'waits: ']])
    ranked(sums).forEach((kind, i) => {
      if (word === '' && i >= WORK.length) return;
      const key = element('span', { 'aria-hidden': 'true' }, word ? '▨ ' : '■ ');
      key.style.color = 'var(--' + of.get(kind) + ')';
      legend.append(element('li', {}, key, word + kind.replace(/_/g, ' ')));
    });
  if (times.size > WORK.length) {
    const key = element('span', { 'aria-hidden': 'true' }, '■ ');
    key.style.color = 'var(--c7)';
    legend.append(element('li', {}, key, 'other work'));
  }
  const controls = element('div', { class: 'controls' });
  const button = (text, does) => {
    const made = element('button', { type: 'button' }, text);
    made.addEventListener('click', does);
    controls.append(made);
  };
  stage.append(legend, controls);
  const said = element('p', { class: 'said', 'aria-live': 'polite' });

  function scale(width) {
    return scaleOf(view[0], view[1], left, width - right, false);
  }

  function drawTrack(context, x, track, row) {
    const top = TOP + row * ROW, bar = ROW - 9;
    axisText(context, track.name, left - 8, top + bar / 2 + 5, 'right', 'ink');
    const of = isWait(track) ? waitStyles : styles;
    const colours = new Map();
    for (const style of new Set(of.values())) colours.set(style, colour(style));
    for (let i = 0; i < track.begin.length; ++i) {
      const begin = track.begin[i], end = begin + track.length[i];
      if (end < view[0] || begin > view[1]) continue;
      const x1 = Math.max(left, x.place(begin)), x2 = Math.min(x.end, x.place(end));
      context.fillStyle = colours.get(of.get(kindOf[track.of[i]]));
      context.fillRect(x1, top + 2, Math.max(0.6, x2 - x1), bar);
      if (isWait(track) && x2 - x1 > 5) hatch(context, x1, top + 2, x2 - x1, bar);
    }
  }

  function hatch(context, x, y, width, height) {
    context.save();
    context.beginPath();
    context.rect(x, y, width, height);
    context.clip();
    context.strokeStyle = colour('panel');
    context.lineWidth = 1.4;
    context.beginPath();
    for (let at = x - height - (x % 6); at < x + width; at += 6) {
      context.moveTo(at, y + height);
      context.lineTo(at + height, y);
    }
    context.stroke();
    context.restore();
  }

  function drawCurve(context, x, top) {
    const memory = timeline.memory;
    let most = 0;
    memory.read.forEach((read, i) => { most = Math.max(most, read + memory.written[i]); });
    const y = scaleOf(0, most || 1, top + CURVE, top, false);
    axisText(context, 'memory GB/s', left - 34, top + CURVE / 2 + 4, 'right', 'ink');
    const area = (values, base, style) => {
      context.fillStyle = colour(style);
      values.forEach((value, i) => {
        const x1 = Math.max(left, x.place(memory.begin + i * memory.window));
        const x2 = Math.min(x.end, x.place(memory.begin + (i + 1) * memory.window));
        if (x2 <= left || x1 >= x.end) return;
        const low = base ? base[i] : 0;
        context.fillRect(x1, y.place(low + value), Math.max(0.5, x2 - x1 + 0.3),
          y.place(low) - y.place(low + value));
      });
    };
    area(memory.read, null, 'c0');
    area(memory.written, memory.read, 'c1');
    context.strokeStyle = colour('muted');
    context.strokeRect(left, top, x.end - left, CURVE);
    for (const value of y.ticks(3))
      axisText(context, String(value), left - 8, y.place(value) + (value ? 4 : 0), 'right');
    axisText(context, '■ read', x.end - 66, top - 4, 'right', 'c0');
    axisText(context, '■ written', x.end, top - 4, 'right', 'c1');
  }

  const { canvas, redraw } = canvasIn(stage, 560, height,
    'Timeline of the units. Its figures are in the table below.', (context, width) => {
      const x = scale(width), floor = TOP + tracks.length * ROW;
      const end = CURVE ? floor + 18 + CURVE : floor;
      context.strokeStyle = colour('grid');
      context.beginPath();
      const ticks = x.ticks(Math.max(3, Math.floor((width - left) / 110)));
      for (const value of ticks) {
        context.moveTo(x.place(value), TOP);
        context.lineTo(x.place(value), end);
      }
      context.stroke();
      tracks.forEach((track, row) => drawTrack(context, x, track, row));
      if (CURVE) drawCurve(context, x, floor + 18);
      for (const value of ticks)
        axisText(context, withUnit((value - whole[0]) * 1e-6, 's'), x.place(value), end + 16, 'center');
      axisText(context, 'time from the first command', (left + x.end) / 2, end + 36, 'center', 'ink');
      if (hover) {
        context.strokeStyle = colour('ink');
        context.lineWidth = 1.5;
        const x1 = Math.max(left, x.place(hover.begin)), x2 = Math.min(x.end, x.place(hover.end));
        context.strokeRect(x1, TOP + hover.row * ROW + 2, Math.max(1, x2 - x1), ROW - 9);
      }
    });
  const tip = tipIn(stage);
  stage.append(said);

  function show(from, to) {
    const least = (whole[1] - whole[0]) / 20000, length = Math.min(Math.max(to - from, least),
      whole[1] - whole[0]);
    const begin = Math.min(Math.max(from, whole[0]), whole[1] - length);
    view = [begin, begin + length];
    redraw();
    said.textContent = 'Shown: ' + withUnit((view[0] - whole[0]) * 1e-6, 's') + ' to ' +
      withUnit((view[1] - whole[0]) * 1e-6, 's') + ' of ' + withUnit((whole[1] - whole[0]) * 1e-6, 's');
  }
  function zoom(factor, around) {
    const at = around === undefined ? (view[0] + view[1]) / 2 : around;
    show(at - (at - view[0]) * factor, at + (view[1] - at) * factor);
  }
  const move = (share) => show(view[0] + share * (view[1] - view[0]), view[1] + share * (view[1] - view[0]));
  button('Zoom in', () => zoom(0.5));
  button('Zoom out', () => zoom(2));
  button('The whole step', () => show(whole[0], whole[1]));
  button('Save for Perfetto', save);

  // What is under the pointer: of spans that lie over each other the one drawn last.
  function find(px, py) {
    const row = Math.floor((py - TOP) / ROW), x = scale(canvas.clientWidth);
    if (row < 0 || row >= tracks.length || px < left) return null;
    const track = tracks[row], at = x.value(px), slack = 2 * (view[1] - view[0]) / (x.end - x.begin);
    for (let i = track.begin.length - 1; i >= 0; --i)
      if (track.begin[i] - slack <= at && at <= track.begin[i] + track.length[i] + slack)
        return { row, track, i, begin: track.begin[i], end: track.begin[i] + track.length[i] };
    return null;
  }

  let dragged = null;
  canvas.addEventListener('pointerdown', (event) => {
    dragged = { x: event.clientX, view: view.slice() };
    canvas.setPointerCapture(event.pointerId);
  });
  canvas.addEventListener('pointerup', () => { dragged = null; });
  canvas.addEventListener('pointermove', (event) => {
    const [px, py] = placeIn(canvas, event), top = canvas.offsetTop;
    if (dragged) {
      const x = scale(canvas.clientWidth);
      const by = (dragged.x - event.clientX) / (x.end - x.begin) * (dragged.view[1] - dragged.view[0]);
      show(dragged.view[0] + by, dragged.view[1] + by);
      return;
    }
    hover = find(px, py);
    redraw();
    if (!hover) return tip.hide();
    tip.show((isWait(hover.track) ? 'waits for ' : '') + timeline.names[hover.track.of[hover.i]] + '\n' +
      withUnit((hover.end - hover.begin) * 1e-6, 's') + ', from ' +
      withUnit((hover.begin - whole[0]) * 1e-6, 's'), px, py + top);
  });
  canvas.addEventListener('pointerleave', () => { hover = null; tip.hide(); redraw(); });
  canvas.addEventListener('wheel', (event) => {
    if (!event.ctrlKey && document.activeElement !== canvas) return;  // the page scrolls
    event.preventDefault();
    zoom(event.deltaY < 0 ? 0.8 : 1.25, scale(canvas.clientWidth).value(placeIn(canvas, event)[0]));
  }, { passive: false });
  canvas.addEventListener('keydown', (event) => {
    const does = { ArrowLeft: () => move(-0.2), ArrowRight: () => move(0.2), '+': () => zoom(0.5),
      '=': () => zoom(0.5), '-': () => zoom(2), Home: () => show(whole[0], whole[1]) }[event.key];
    if (!does) return;
    event.preventDefault();
    does();
  });

  // "Trace Event Format" (Google, 2016).
  function save() {
    const events = [];
    tracks.forEach((track, tid) => {
      events.push({ ph: 'M', pid: 1, tid, name: 'thread_name', args: { name: track.name } });
      track.of.forEach((name, i) => events.push({ ph: 'X', pid: 1, tid, ts: track.begin[i],
        dur: track.length[i], name: timeline.names[name] }));
    });
    const file = new Blob([JSON.stringify({ displayTimeUnit: 'ns', traceEvents: events })],
      { type: 'application/json' });
    const link = element('a', { href: URL.createObjectURL(file), download: 'trace.json' });
    link.click();
    URL.revokeObjectURL(link.href);
  }

  redraw();
})();
