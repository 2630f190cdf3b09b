// The page's behaviour: one state (language, service, place, year), charts drawn when they come into sight, tables copied.
'use strict';
const pack = JSON.parse(document.getElementById('pack').textContent);
const state = {lang: pack.lang, s: pack.start, c: pack.area, year: pack.look};
const drawn = new Map();  // element -> {name, view, ready}
const all = (selector, root = document) => [...root.querySelectorAll(selector)];
const tongue = () => (state.lang === 'zh' ? 0 : 1);
const word = key => pack.words[key][tongue()];
const errors = [];

// ---- rows: every view gets objects of its own, because Vega marks and changes those it is given ----

const service = el => el.dataset.s || state.s;
const place = el => el.dataset.c || state.c;

// A shortage is told as a share of demand, a surplus as a share of supply: between -1 and 1.
function relative(gap, supply) {
  const larger = gap > 0 ? supply : supply - gap;
  return gap === null || larger <= 0 ? null : gap / larger;
}

function gapRow(c, s, k) {
  const {gap, supply, p} = pack.series[c][s];
  return {c, year: pack.years[k], gap: gap[k], rel: relative(gap[k], supply[k]), p: p ? p[k] : null};
}

const FIELDS = ['demand', 'low', 'high', 'low80', 'high80', 'low95', 'high95', 'norm', 'supply', 'gap', 'p', 'seen'];

function byYear(line, fields, more) {
  return pack.years.map((year, k) => {
    const row = {year, ...more};
    for (const field of fields) row[field] = line[field] ? line[field][k] : null;
    return row;
  });
}

const ROWS = {
  // one place and service by year
  series(el) {
    return byYear(pack.series[place(el)][service(el)], FIELDS);
  },
  // an age group of one place by year
  people(el) {
    const group = el.dataset.g;
    return byYear(pack.people[place(el)][group], ['v', 'low80', 'high80', 'low95', 'high95'], {born: pack.groups[group].born});
  },
  // what the uncertainty of one service comes from, some years on
  causes(el) {
    return Object.entries(pack.causes[service(el)]).flatMap(([year, shares]) => {
      let from = 0;
      return pack.cause_order.filter(cause => cause in shares).map(cause => {
        const row = {year: Number(year), cause, from, to: from + shares[cause]};
        from = row.to;
        return row;
      });
    });
  },
  // every county in one year
  year(el) {
    const k = pack.years.indexOf(state.year);
    return pack.counties.map(c => ({...gapRow(c, service(el), k), col: pack.grid[c][0], row: pack.grid[c][1]}));
  },
  // every place in every year
  service(el) {
    return pack.places.flatMap(c => pack.years.map((_, k) => gapRow(c, service(el), k)));
  },
  // the stages of one place
  wave(el) {
    const c = place(el), rows = [];
    const crests = pack.crests[c], train = {};
    let next = Infinity;  // from the last stage back: the last crest of children already born that comes before the next stage's
    for (const s of [...pack.stages].reverse()) {
      const before = crests[s].filter(year => year <= pack.services[s].born && year < next);
      if (before.length) next = train[s] = before[before.length - 1];
    }
    const add = (s, values, born) => values.forEach((v, k) => {
      const year = pack.years[k];
      if (v !== null) rows.push({s, v, year, born, crest: (crests[s] || []).includes(year), train: train[s] === year});
    });
    add('age_0', pack.births[c], pack.jump);
    for (const s of pack.stages) add(s, pack.series[c][s].demand, pack.services[s].born);
    return rows;
  },
  // the class of every place and service
  classes() {
    return pack.places.flatMap(c => Object.entries(pack.flags[c]).map(([s, {k, said}]) => ({c, s, k, zh: said[0], en: said[1]})));
  },
  // the class that has begun, every place in every year
  begun(el) {
    return pack.places.flatMap(c => pack.flags[c][service(el)].begun.flatMap((found, k) =>
      (found ? [{c, year: pack.years[k], k: pack.classes[found[0]], p: found[1]}] : [])));
  },
  // what lasts and what stands above it
  lasting(el) {
    const c = place(el), s = service(el), {lasting, crest} = pack.flags[c][s];
    return byYear({...pack.series[c][s], lasting, crest}, ['demand', 'low80', 'high80', 'supply', 'lasting', 'crest']);
  },
  train(el) {
    return pack.trains[place(el)].rows.map(row => ({...row}));
  },
};
Object.assign(ROWS, {
  // posts of the stages of one place by year
  posts(el) {
    return Object.entries(pack.posts[place(el)]).flatMap(([s, values], at) =>
      values.flatMap((v, k) => (v === null ? [] : [{s, at, v, year: pack.years[k]}])));
  },
  // why each stage's crest falls: what is taken away to the left of zero, what is added to the right
  changes(el) {
    return pack.changes[place(el)].flatMap(({s, first, last, net, steps}) => {
      const ends = {'-1': 0, 1: 0}, about = {s, first, last};
      const parts = pack.steps.filter(step => steps[step]).map(step => {
        const v = steps[step], side = Math.sign(v), from = ends[side];
        ends[side] += v;
        return {...about, step, v, from, to: ends[side]};
      });
      return [...parts, {...about, step: 'net', v: net, from: net, to: net}];
    });
  },
  // what the planned places of one service are used for
  planned(el) {
    const own = pack.planned[service(el)];
    return own.years.flatMap((year, k) => pack.uses.map((use, at) => ({year, use, at, v: own[use][k]})));
  },
});
const FOLLOWS = {posts: ['c'], changes: ['c'], planned: ['s'], classes: [], begun: ['s'], lasting: ['s', 'c'], train: ['c'], series: ['s', 'c'], people: ['c'], causes: ['s'], year: ['s', 'year'], service: ['s'], wave: ['c']};

function settings(el) {
  const about = pack.services[service(el)];
  return {
    lang: state.lang, names: pack.names, measure: el.dataset.g ? pack.words.persons : about.unit, limit: about.limit, born: about.born, place: state.c,
    units: {age_0: pack.words.persons, ...Object.fromEntries(pack.stages.map(s => [s, pack.services[s].unit]))},
  };
}

// ---- charts ----

function mount(el) {
  if (drawn.has(el)) return drawn.get(el).ready;
  const name = el.dataset.chart, spec = structuredClone(pack.specs[name]), values = settings(el);
  spec.datasets = {...spec.datasets, rows: ROWS[spec.usermeta.rows](el)};
  for (const param of spec.params) if (param.name in values) param.value = values[param.name];
  const one = {name, rows: spec.usermeta.rows, params: spec.params.map(param => param.name)};
  drawn.set(el, one);
  one.ready = vegaEmbed(el, spec, {
    ast: true, renderer: 'svg', actions: false, defaultStyle: false, mode: 'vega-lite', config: pack.config,
    tooltip: {disableDefaultStyle: true}, logLevel: 1,
  }).then(found => {
    one.view = found.view;
    if (name === 'tiles' || name === 'classes') one.view.addSignalListener('pick', (_, pick) => { if (pick.c) change({c: pick.c[0]}); });
    el.setAttribute('role', 'img');
    return refresh(one, el, ['lang', 's', 'c', 'year']);  // the state may have changed while it was drawn
  }).catch(error => { errors.push(String(error)); console.error(error); });
  return one.ready;
}

async function refresh(one, el, keys) {
  const follows = FOLLOWS[one.rows].filter(key => !el.dataset[key]);
  const values = settings(el);
  let touched = false;
  for (const key of ['lang', 'measure', 'limit', 'born', 'place']) {
    if (one.params.includes(key) && one.view.signal(key) !== values[key]) { one.view.signal(key, values[key]); touched = true; }
  }
  if (keys.some(key => follows.includes(key))) { one.view.data('rows', ROWS[one.rows](el)); touched = true; }
  if (touched) await one.view.runAsync();
}

async function change(part) {
  Object.assign(state, part);
  write();
  const keys = Object.keys(part);
  await Promise.all([...drawn].filter(([, one]) => one.view).map(([el, one]) => refresh(one, el, keys)));
}

// ---- words that follow the state ----

function size(value) {
  const x = Math.abs(value);
  if (state.lang === 'zh') return x >= 1e4 ? (x / 1e4).toFixed(1).replace(/\.0$/, '') + '万' : String(Math.round(x));
  return Math.round(x).toLocaleString('en');
}

function gapWords(el) {
  const c = el.dataset.gapC === '*' ? state.c : el.dataset.gapC, s = el.dataset.gapS || state.s;
  const {gap, rel} = gapRow(c || pack.area, s, pack.years.indexOf(pack.look));
  const even = rel !== null && Math.abs(rel) <= pack.tolerance;
  el.className = 'state ' + (gap === null || even ? '' : gap < 0 ? 'neg' : 'pos');
  if (gap === null) return '';
  const year = tongue() ? `${pack.look} ` : `${pack.look}年`;
  const {least} = pack, {p} = gapRow(c || pack.area, s, pack.years.indexOf(pack.look));
  const odds = p === null ? '' : ` · ${word('odds')}${p < least ? '<' + least : p > 100 - least ? '>' + (100 - least) : Math.round(p)}%`;
  return year + (even ? word('even') : word(gap < 0 ? 'short' : 'spare') + size(gap)) + odds;
}

function write() {
  const about = pack.services[state.s], limit = Math.round(about.limit * 100) + '%';
  document.documentElement.lang = tongue() ? 'en' : 'zh-CN';
  document.title = document.getElementById('title').dataset[state.lang];
  for (const el of all('[data-name]')) el.textContent = el.dataset.name === 's' ? about.thing[tongue()] : pack.names[state.c][tongue()];
  for (const el of all('[data-show]')) el.textContent = state[el.dataset.show] + (tongue() ? '' : '年');
  for (const el of all('[data-basis]')) {
    const basis = about[about.supplied ? el.dataset.basis : 'demand'];
    el.className = 'badge b-' + basis;
    el.textContent = pack.badges[basis][tongue()];
  }
  for (const el of all('[data-said]')) el.textContent = pack.flags[state.c][el.dataset.said].said[tongue()];
  for (const el of all('[data-level]')) el.className = 'lamp l-' + (pack.flags[state.c][el.dataset.level].level || 'none');
  for (const el of all('[data-train]')) el.textContent = pack.trains[state.c].said[tongue()];
  for (const el of all('[data-gap-s]')) el.textContent = gapWords(el);
  for (const el of all('[data-scale]')) el.textContent = word(el.dataset.scale === 'low' ? 'short' : 'spare') + limit + word('upto');
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

function copyAll(s) {
  const fields = FIELDS.filter(field => field !== 'seen');
  const lines = pack.places.flatMap(c => pack.years.map((year, k) =>
    [c, pack.names[c][tongue()], year, ...fields.map(field => pack.series[c][s][field]?.[k] ?? '')]));
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
  if (copy) copyTable(copy.dataset.copy);
  if (every) copyAll(every.dataset.copyAll);
});
document.addEventListener('input', event => {
  const key = event.target.dataset.state;
  if (key) change({[key]: event.target.type === 'range' ? Number(event.target.value) : event.target.value});
});

// ---- drawing: what is in sight first, the rest when there is time, everything before printing ----

const charts = all('[data-chart]');
const sight = new IntersectionObserver(entries => entries.forEach(entry => {
  if (entry.isIntersecting) { sight.unobserve(entry.target); mount(entry.target); }
}), {rootMargin: '300px'});
const report = window.report = {state, change, errors, ready: () => Promise.all(charts.map(mount))};

write();
charts.forEach(el => sight.observe(el));
const idle = window.requestIdleCallback || (go => setTimeout(go, 200));
idle(async () => {
  for (const el of charts) { await mount(el); await new Promise(go => setTimeout(go)); }
  document.documentElement.dataset.drawn = 'all';
}, {timeout: 1500});

const PRINT = {posts: [690, 170], changes: [690, 210], planned: [330, 120], tiles: [300, 310], panel_large: [355, 290], heat: [690, 290], odds: [690, 290], classes: [690, 330], begun: [690, 290], lasting: [212, 104], train: [690, 170], wave: [690, 420], panel: [212, 104], people: [212, 104], causes: [212, 70], whole: [158, 96]};  // A4 is about 695 px wide
const folded = new Set();
addEventListener('beforeprint', () => {
  for (const el of all('details:not([open])')) { folded.add(el); el.open = true; }
  for (const [el, {name, view}] of drawn) {
    const [width, height] = el.closest('#whole') ? PRINT.whole : PRINT[name];
    if (view) view.signal('width', width).signal('height', height).run();
  }
});
addEventListener('afterprint', () => {
  for (const el of folded) el.open = false;
  folded.clear();
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
