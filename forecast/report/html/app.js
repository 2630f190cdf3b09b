// The page's behaviour: one state (language, service, place, year), charts drawn when they come into sight, tables copied.
'use strict';
const pack = JSON.parse(document.getElementById('pack').textContent);
const state = {lang: pack.lang, service: pack.start, place: pack.area, year: pack.outlook};
const drawn = new Map();  // element -> {name, view, ready}
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const tongue = () => (state.lang === 'zh' ? 0 : 1);
const word = key => pack.words[key][tongue()];
const errors = [];

// ---- rows, as Python formed them: a column is its values, or levels with their codes, or levels told in turn ----

const at = ({values, levels, codes, each}, k) => (values ? values[k] : levels[codes ? codes[k] : Math.floor(k / each) % levels.length]);

// Rows of a table where each of these columns has this value. Every call gives objects of its own, because Vega marks and changes them.
function select(name, chosen) {
  const {n, columns} = pack.tables[name], rows = [];
  const parts = Object.entries(columns).map(([key, number]) => [key, pack.columns[number]]);
  const wanted = Object.entries(chosen).map(([key, value]) => [pack.columns[columns[key]], value]);
  for (let k = 0; k < n; k++) {
    if (wanted.every(([column, value]) => at(column, k) === value)) rows.push(Object.fromEntries(parts.map(([key, column]) => [key, at(column, k)])));
  }
  return rows;
}

// What an element shows where it says so, else what the reader chose.
const shows = (el, key) => el.dataset[key] ?? state[key];
const rowsOf = (el, name) => select(name, Object.fromEntries(pack.by[name].map(key => [key, shows(el, key)])));
const told = row => [row.zh, row.en][tongue()];

function settings(el) {
  const about = pack.services[shows(el, 'service')];
  return {
    lang: state.lang, names: pack.names, units: pack.units, measure: el.dataset.group ? pack.words.persons : about.unit,
    limit: about.limit, gapped: about.gapped, born: about.born, place: state.place,
  };
}

// ---- charts ----

function mount(el) {
  if (drawn.has(el)) return drawn.get(el).ready;
  const name = el.dataset.chart, spec = structuredClone(pack.specs[name]), values = settings(el);
  spec.datasets = {...spec.datasets, rows: rowsOf(el, name)};
  for (const param of spec.params) if (param.name in values) param.value = values[param.name];
  const one = {name, params: spec.params.map(param => param.name)};
  drawn.set(el, one);
  one.ready = vegaEmbed(el, spec, {
    ast: true, renderer: 'svg', actions: false, defaultStyle: false, mode: 'vega-lite', config: pack.config,
    tooltip: {disableDefaultStyle: true}, logLevel: 1,
  }).then(found => {
    one.view = found.view;
    if (one.params.includes('pick')) one.view.addSignalListener('pick', (_, pick) => { if (pick.place) change({place: pick.place[0]}); });
    el.setAttribute('role', 'img');
    return refresh(one, el, Object.keys(state));  // the state may have changed while it was drawn
  }).catch(error => { errors.push(String(error)); console.error(error); });
  return one.ready;
}

async function refresh(one, el, keys) {
  const follows = pack.by[one.name].filter(key => !el.dataset[key]);
  const values = settings(el);
  let touched = false;
  for (const key of ['lang', 'measure', 'limit', 'gapped', 'born', 'place']) {
    if (one.params.includes(key) && one.view.signal(key) !== values[key]) { one.view.signal(key, values[key]); touched = true; }
  }
  if (keys.some(key => follows.includes(key))) { one.view.data('rows', rowsOf(el, one.name)); touched = true; }
  if (touched) await one.view.runAsync();
}

async function change(part) {
  Object.assign(state, part);
  write();
  const keys = Object.keys(part);
  if (part.place && book.open) draw(book);
  await Promise.all([...drawn].filter(([, one]) => one.view).map(([el, one]) => refresh(one, el, keys)));
}

// ---- words that follow the state ----

function write() {
  const about = pack.services[state.service], limit = Math.round(about.limit * 100) + '%';
  document.documentElement.lang = tongue() ? 'en' : 'zh-CN';
  document.title = document.getElementById('title').dataset[state.lang];
  for (const el of all('[data-name]')) el.textContent = el.dataset.name === 'service' ? about.thing[tongue()] : pack.names[state.place][tongue()];
  for (const el of all('[data-show]')) el.textContent = state[el.dataset.show] + (tongue() ? '' : '年');
  for (const el of all('[data-basis]')) {
    const told = el.dataset.basis === 'told';  // a gap of counties, or the need alone
    const basis = about[(told ? about.gapped : about.supplied) ? (told ? 'gap' : el.dataset.basis) : 'demand'];
    el.className = 'badge b-' + basis;
    el.textContent = pack.badges[basis][tongue()];
  }
  const flag = service => select('flags', {place: state.place, service})[0];
  for (const el of all('[data-said]')) el.textContent = told(flag(el.dataset.said));
  for (const el of all('[data-level]')) el.className = 'lamp l-' + flag(el.dataset.level).level;
  for (const el of all('[data-train]')) el.textContent = told(select('trains', {place: state.place})[0]);
  for (const el of all('[data-sheet-of]')) el.hidden = el.dataset.sheetOf !== state.place;
  for (const el of all('[data-gap]')) {
    const [gap] = select('states', {place: shows(el, 'place'), service: shows(el, 'service')});
    el.className = 'state ' + gap.tone;
    el.textContent = told(gap);
  }
  for (const el of all('[data-scale]')) el.textContent = word(el.dataset.scale) + limit + word('upto');
  for (const el of all('[data-gapped]')) el.hidden = el.dataset.gapped !== String(Number(about.gapped));
  for (const key of all('.key:has([data-needs])')) {
    const rows = all('[data-chart]', key.closest('.card')).flatMap(el => rowsOf(el, el.dataset.chart));
    for (const el of all('[data-needs]', key)) {
      const [column, kind] = el.dataset.needs.split(' ');
      el.hidden = !rows.some(row => row[column] != null && (!kind || row.kind === kind));
    }
  }
  for (const el of all('[data-unsupplied]')) el.hidden = about.supplied;
  for (const el of all('option')) el.textContent = pack.names[el.value][tongue()];
  for (const el of all('[data-set]')) el.setAttribute('aria-pressed', String(state[el.dataset.set] === el.dataset.value));
  for (const el of all('[data-state]')) { el.value = state[el.dataset.state]; el.setAttribute('aria-valuetext', String(el.value)); }
  for (const el of all('[data-chart]')) el.setAttribute('aria-label', el.dataset[state.lang]);
}

// ---- copying ----

const shown = cell => cell.dataset.v ?? cell.innerText.trim();

function copyTable(id) {
  const rows = all('tr', document.querySelector(`#${CSS.escape(id)} table`));
  put(rows.map(row => [...row.cells].flatMap(cell => [shown(cell), ...Array(cell.colSpan - 1).fill('')])));
}

function copyAll(service) {
  const lines = select('panel', {service}).map(row => [row.place, pack.names[row.place][tongue()], row.year, ...pack.copied.map(key => row[key] ?? '')]);
  put([pack.words.columns[tongue()].split('|'), ...lines]);
}

async function put(lines) {
  const plain = value => String(value).replace(/[\t\r\n]+/g, ' ');
  const safe = value => plain(value).replace(/[&<>"]/g, sign => ({'&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;'}[sign]));
  const text = lines.map(line => line.map(plain).join('\t')).join('\r\n');
  const html = '<table>' + lines.map(line => '<tr>' + line.map(value => `<td>${safe(value)}</td>`).join('') + '</tr>').join('') + '</table>';
  report.copied = text;
  try {
    const parts = {'text/plain': new Blob([text], {type: 'text/plain'}), 'text/html': new Blob([html], {type: 'text/html'})};
    await navigator.clipboard.write([new ClipboardItem(parts)]);
  } catch {
    const fill = event => {
      event.clipboardData.setData('text/plain', text);
      event.clipboardData.setData('text/html', html);
      event.preventDefault();
    };
    document.addEventListener('copy', fill, {once: true});
    document.execCommand('copy');
  }
  const said = document.getElementById('said');
  said.textContent = word('copied');
  said.classList.add('on');
  setTimeout(() => said.classList.remove('on'), 2500);
}

document.addEventListener('click', event => {
  const on = selector => event.target.closest(selector);
  const set = on('[data-set]'), copy = on('[data-copy]'), every = on('[data-copy-all]');
  if (set) change({[set.dataset.set]: set.dataset.value});
  const sheet = on('[data-sheet]'), print = on('[data-print]');
  if (on('a[href="#sheets"]')) book.open = true;
  if (sheet) openSheet(sheet.dataset.sheet);
  if (print) printSheets(print.dataset.print);
  if (copy) copyTable(copy.dataset.copy);
  if (every) copyAll(every.dataset.copyAll);
});
document.addEventListener('input', event => {
  const key = event.target.dataset.state;
  if (key) change({[key]: event.target.type === 'range' ? Number(event.target.value) : event.target.value});
});

// What is unfolded gets the width that it has now.
document.addEventListener('toggle', event => {
  if (event.target.open) draw(event.target);
}, true);

// Charts of a part that has a width now.
function draw(part) {
  for (const el of all('[data-chart]', part)) if (el.clientWidth) mount(el).then(() => fit(el));
}

function fit(el) {
  const {view} = drawn.get(el);
  if (view && el.clientWidth && Math.abs(view.width() - el.clientWidth) > 1) view.signal('width', el.clientWidth).runAsync();
}

// ---- the sheet of a county: two pages, drawn when it is opened or printed ----

const book = document.getElementById('sheets');
const inside = place => all('[data-chart]', book.querySelector(`[data-sheet-of="${CSS.escape(place)}"]`));

async function openSheet(place) {
  book.open = true;
  await change({place});
  book.scrollIntoView();
}

// Only the sheet chosen goes to paper ("one"), or every one.
async function setForPrint(which) {
  document.documentElement.dataset.print = which;
  book.open = true;
  for (const el of all('[data-sheet-of]')) el.hidden = which === 'one' && el.dataset.sheetOf !== state.place;
  await Promise.all((which === 'one' ? inside(state.place) : all('[data-chart]', book)).map(mount));
}

async function printSheets(which) {
  await setForPrint(which);
  print();
}

// ---- drawing: what is in sight first, the rest when there is time, everything before printing ----

const charts = all('[data-chart]').filter(el => !book.contains(el));
const sight = new IntersectionObserver(entries => entries.forEach(entry => {
  if (entry.isIntersecting) { sight.unobserve(entry.target); mount(entry.target); }
}), {rootMargin: '300px'});
const width = id => drawn.get(document.querySelector(`#${CSS.escape(id)} [data-chart]`)).view.width();
const report = window.report = {state, change, errors, width, openSheet, setForPrint, ready: () => Promise.all(charts.map(mount))};

write();
all('[data-chart]').forEach(el => sight.observe(el));
const idle = window.requestIdleCallback || (go => setTimeout(go, 200));
idle(async () => {
  for (const el of charts) { await mount(el); await new Promise(go => setTimeout(go)); }
  document.documentElement.dataset.drawn = 'all';
}, {timeout: 1500});

const folded = new Set();
addEventListener('beforeprint', () => {
  const sheets = document.documentElement.dataset.print;
  for (const el of all('details:not([open])')) if (el !== book && !sheets) { folded.add(el); el.open = true; }
  for (const [el, {view}] of drawn) {
    if (book.contains(el) !== Boolean(sheets)) continue;
    const [width, height] = el.dataset.paper.split(' ').map(Number);
    if (view) view.signal('width', width).signal('height', height).run();
  }
});
addEventListener('afterprint', () => {
  for (const el of folded) el.open = false;
  folded.clear();
  delete document.documentElement.dataset.print;
  write();
  for (const {name, view} of drawn.values()) if (view) view.signal('height', pack.specs[name].height);
  dispatchEvent(new Event('resize'));  // the width signal is the inner width: let each chart read its container again
});

const spy = new IntersectionObserver(entries => entries.forEach(entry => {
  if (!entry.isIntersecting) return;
  for (const link of all('nav a')) {
    if (link.hash === '#' + entry.target.id) link.setAttribute('aria-current', 'true'); else link.removeAttribute('aria-current');
  }
}), {rootMargin: '-15% 0px -70% 0px'});
all('.chapter').forEach(chapter => spy.observe(chapter));
