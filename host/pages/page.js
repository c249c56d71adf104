// What the pictures share: elements, figures as people read them, scales, canvases that follow the
// window, the colour scheme and the printer.

// Never HTML: what a name says stays text.
function element(tag, properties, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties || {})) {
    if (name === 'class') made.className = value;
    else if (name in made && name !== 'list') made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

const DATA = JSON.parse((document.getElementById('data') || { textContent: '{}' }).textContent);

// Four digits with a prefix, as the tables have them (host/report/units.cpp).
const PREFIXES = ['p', 'n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P'];
function withUnit(value, unit) {
  let place = 4;
  for (; Math.abs(value) >= 1000 && place + 1 < PREFIXES.length; ++place) value /= 1000;
  for (; value !== 0 && Math.abs(value) < 1 && place > 0; --place) value *= 1000;
  const text = String(Number(value.toPrecision(4)));
  const prefixed = PREFIXES[place] + unit;
  return prefixed ? text + ' ' + prefixed : text;
}

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue('--' + name).trim();
}

// From values to places, and back; ticks are round values.
function scaleOf(from, to, begin, end, logarithmic) {
  const forth = logarithmic ? Math.log : (value) => value;
  const back = logarithmic ? Math.exp : (value) => value;
  const low = forth(from), span = forth(to) - low || 1;
  return {
    from, to, begin, end, logarithmic,
    place: (value) => begin + (forth(value) - low) / span * (end - begin),
    value: (place) => back(low + (place - begin) / (end - begin) * span),
    ticks: (most) => logarithmic ? logarithmicTicks(from, to, most) : linearTicks(from, to, most),
  };
}

function linearTicks(from, to, most) {
  const wanted = (to - from) / most, power = Math.pow(10, Math.floor(Math.log10(wanted)));
  const step = [1, 2, 5, 10].map((times) => times * power).find((one) => one >= wanted * 0.999999);
  const ticks = [];
  for (let i = Math.ceil(from / step - 1e-9); i * step <= to + 1e-9 * (to - from); ++i)
    ticks.push(Number((i * step).toPrecision(12)));
  return ticks;
}

function logarithmicTicks(from, to, most) {
  const of = (factors, every) => {
    const ticks = [];
    for (let power = Math.floor(Math.log10(from)); power <= Math.ceil(Math.log10(to)); ++power)
      for (const factor of factors) {
        const value = Number((factor * Math.pow(10, power)).toPrecision(3));
        if (value >= from * 0.999999 && value <= to * 1.000001 && power % every === 0)
          ticks.push(value);
      }
    return ticks;
  };
  for (const factors of [[1, 1.5, 2, 3, 4, 5, 6, 8], [1, 2, 5]])
    if (of(factors, 1).length <= most) return of(factors, 1);
  for (let every = 1; ; ++every)
    if (of([1], every).length <= most) return of([1], every);
}

const redraws = [];
function redrawAll() {
  for (const redraw of redraws) redraw();
}
window.addEventListener('resize', redrawAll);
for (const query of ['(prefers-color-scheme: dark)', 'print'])
  window.matchMedia(query).addEventListener('change', redrawAll);

// A canvas of the stage's width, of so many pixels at least. `draw` gets a context in CSS pixels, and
// the sizes.
function canvasIn(stage, least, height, label, draw) {
  const canvas = element('canvas', { tabIndex: 0, role: 'img', 'aria-label': label });
  stage.append(canvas);
  const redraw = () => {
    const width = Math.max(least, stage.clientWidth), ratio = window.devicePixelRatio || 1;
    const tall = typeof height === 'function' ? height(width) : height;
    canvas.style.width = width + 'px';
    canvas.style.height = tall + 'px';
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(tall * ratio);
    const context = canvas.getContext('2d');
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, tall);
    context.font = '12px ' + getComputedStyle(document.body).fontFamily;
    draw(context, width, tall);
  };
  redraws.push(redraw);
  return { canvas, redraw };
}

// A box of text beside the pointer; shown(text, x, y) or hidden.
function tipIn(stage) {
  const tip = element('div', { class: 'tip', hidden: true, role: 'status' });
  stage.append(tip);
  return {
    hide: () => { tip.hidden = true; },
    show: (text, x, y) => {
      tip.textContent = text;
      tip.hidden = false;
      const right = x + 16 + tip.offsetWidth > stage.clientWidth;
      tip.style.left = Math.max(0, right ? x - 12 - tip.offsetWidth : x + 14) + 'px';
      tip.style.top = Math.max(0, y - tip.offsetHeight - 8) + 'px';
    },
  };
}

function placeIn(canvas, event) {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
}

function axisText(context, text, x, y, align, style) {
  context.fillStyle = colour(style || 'muted');
  context.textAlign = align;
  context.fillText(text, x, y);
}

// Grid, ticks and names of two scales.
function drawAxes(context, x, y, texts) {
  context.lineWidth = 1;
  context.strokeStyle = colour('grid');
  context.beginPath();
  const xTicks = x.ticks(Math.max(3, Math.floor((x.end - x.begin) / 80)));
  const yTicks = y.ticks(Math.max(3, Math.floor((y.begin - y.end) / 44)));
  for (const value of xTicks) {
    context.moveTo(x.place(value), y.begin);
    context.lineTo(x.place(value), y.end);
  }
  for (const value of yTicks) {
    context.moveTo(x.begin, y.place(value));
    context.lineTo(x.end, y.place(value));
  }
  context.stroke();
  context.strokeStyle = colour('muted');
  context.strokeRect(x.begin, y.end, x.end - x.begin, y.begin - y.end);
  for (const value of xTicks)
    axisText(context, texts.xText(value), x.place(value), y.begin + 17, 'center');
  for (const value of yTicks)
    axisText(context, texts.yText(value), x.begin - 7, y.place(value) + 4, 'right');
  axisText(context, texts.xName, (x.begin + x.end) / 2, y.begin + 38, 'center', 'ink');
  context.save();
  context.translate(14, (y.begin + y.end) / 2);
  context.rotate(-Math.PI / 2);
  axisText(context, texts.yName, 0, 0, 'center', 'ink');
  context.restore();
}

// Commands are copied by a click, or by Enter.
for (const cell of document.querySelectorAll('td.command')) {
  if (!navigator.clipboard || !cell.textContent) continue;
  const copy = element('button', { type: 'button', title: 'Copy the command' }, 'copy');
  copy.addEventListener('click', () => {
    navigator.clipboard.writeText(cell.lastChild.textContent).then(() => {
      copy.textContent = 'copied';
      setTimeout(() => { copy.textContent = 'copy'; }, 1500);
    });
  });
  cell.prepend(copy, ' ');
}
