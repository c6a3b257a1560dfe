// The page where CSV files are chosen, tried and loaded.

import { ask, upload } from './api.js';
import { el, fill, announce } from './dom.js';
import { bytes, count, instant, number } from './format.js';
import { loadView, outcome } from './load_view.js';
import { badge, button, emptyState, grid, into, problemNotice, working } from './parts.js';

const RECENT = 5;

export function loadPage([loadId], _query, signal) {
  return loadId ? oneLoad(loadId, signal) : chooser(signal);
}

function oneLoad(loadId, signal) {
  return el(
    'div',
    { class: 'stack' },
    el('p', {}, el('a', { href: '#/load' }, '← Load another file')),
    el('h1', {}, 'Load ', el('span', { class: 'soft mono' }, loadId)),
    loadView(loadId, signal),
  );
}

function chooser(signal) {
  const page = el('div', { class: 'stack' });
  const work = el('div', { class: 'stack' });
  const recent = el('section', { class: 'stack recent', 'aria-labelledby': 'recent' });
  const message = el('div');
  fill(
    page,
    el('h1', {}, 'Load CSV files'),
    el('p', { class: 'lead' }, 'Rows that obey the rules are inserted, all at once. Every other row is kept with its faults, so that you can correct it here.'),
    work,
    message,
  );
  ask('/tables', { signal })
    .then(
      (tables) => fill(work, form(tables.items.map((table) => table.name), { work, message, recent })),
      (error) => fill(message, problemNotice(error)),
    )
    .then(() => {
      page.append(recent); // only now, so that nothing that is seen moves
      into(recent, listRecent(signal));
    });
  return page;
}

async function listRecent(signal) {
  const { items } = await ask(`/loads?limit=${RECENT}`, { signal });
  const head = el('h2', { id: 'recent' }, 'Recent loads');
  if (items.length === 0) return [emptyState('No loads yet', 'Choose a file above to make the first one.')];
  const columns = [{ title: 'Started' }, { title: 'Files' }, { title: 'Inserted', numeric: true }, { title: 'Rejected', numeric: true }, { title: 'Status' }];
  const rows = items.map((load) => [
    el('a', { href: `#/load/${load.load_id}` }, instant(load.started_at)),
    load.sources.map((source) => source.name).join(', '),
    load.inserted,
    load.rejected,
    badge(load.status),
  ]);
  return [head, grid('Recent loads', columns, rows, { class: 'scroll stacked' }), el('p', {}, el('a', { href: '#/history/loads' }, 'All loads'))];
}

function form(tables, { work, message, recent }) {
  const chosen = [];
  const list = el('ul', { class: 'chosen', 'aria-label': 'Chosen files' });
  const picker = el('input', {
    type: 'file',
    id: 'files',
    multiple: true,
    class: 'unseen',
    accept: '.csv,.gz,.bz2,.xz,.zst,.zip,text/csv',
    onchange: () => add(picker.files),
  });
  const zone = el(
    'label',
    { class: 'drop', for: 'files' },
    el('strong', {}, 'Drop CSV files here, or choose them'),
    el('span', { class: 'soft' }, `One for each table: ${tables.join(', ')}. Also .gz, .bz2, .xz, .zst and .zip, of any size.`),
  );
  for (const kind of ['dragover', 'dragleave', 'drop']) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle('over', kind === 'dragover');
      if (kind === 'drop') add(event.dataTransfer.files);
    });
  }
  const options = optionFields();
  const actions = el('div', { class: 'actions' });
  const tryIt = button('Try', () => start(true));
  const loadIt = button('Load', () => start(false), { class: 'main' });
  const folder = working(
    'Load the data folder of the server',
    async () => {
      const accepted = await startFolder(options.query());
      location.hash = `#/load/${accepted.load_id}`;
    },
    message,
    { class: 'quiet' },
  );

  function add(files) {
    for (const file of files) chosen.push({ file, table: guess(file.name, tables) });
    picker.value = '';
    show();
  }

  function show() {
    tryIt.disabled = loadIt.disabled = chosen.length === 0;
    fill(list, chosen.map(item));
  }

  function item(selected, at) {
    const select = el(
      'select',
      { 'aria-label': `Table of ${selected.file.name}`, onchange: () => (selected.table = select.value) },
      tables.map((table) => el('option', { value: table, selected: table === selected.table }, table)),
    );
    selected.table = select.value;
    const remove = button('Remove', () => (chosen.splice(at, 1), show(), zone.focus()), {
      class: 'quiet',
      'aria-label': `Remove ${selected.file.name}`,
    });
    return el('li', {}, el('span', { class: 'name' }, selected.file.name), el('span', { class: 'soft' }, bytes(selected.file.size)), el('span', {}, 'into ', select), remove);
  }

  async function start(dry) {
    const ordered = tables.flatMap((table) => chosen.filter((selected) => selected.table === table));
    const query = options.query();
    recent.hidden = !dry;
    const again = dry && button('Back to the files', () => fill(work, picker, zone, list, options.element, actions));
    const cards = ordered.map((selected) => el('section', { class: 'card stack' }, el('h2', {}, selected.file.name, el('span', { class: 'soft' }, ` into ${selected.table}`))));
    fill(work, cards, again && el('div', { class: 'actions' }, again));
    for (const [at, selected] of ordered.entries()) {
      await (dry ? rehearse(selected, query, cards[at]) : carryOut(selected, query, cards[at], ordered.length === 1));
    }
    if (!dry) work.append(el('p', {}, el('a', { href: '#/load', onclick: () => setTimeout(() => dispatchEvent(new Event('hashchange'))) }, '← Load more files')));
  }

  fill(actions, loadIt, tryIt, el('span', { class: 'grow' }), folder);
  show();
  return [picker, zone, list, options.element, actions];
}

function optionFields() {
  const conflict = el('select', { id: 'conflict' }, [
    el('option', { value: 'reject' }, 'reject it'),
    el('option', { value: 'skip' }, 'leave the table’s row'),
    el('option', { value: 'update' }, 'update the table’s row'),
  ]);
  const all = el('input', { type: 'checkbox', id: 'all' });
  const most = el('input', { id: 'most', placeholder: 'any number', size: 10, pattern: '[0-9]+%?' });
  const encoding = el('input', { id: 'encoding', value: 'utf-8', size: 10 });
  const header = el('select', { id: 'header' }, [
    el('option', { value: 'auto' }, 'if half of its cells are column names'),
    el('option', { value: 'yes' }, 'yes'),
    el('option', { value: 'no' }, 'no'),
  ]);
  const delimiter = el('input', { id: 'delimiter', placeholder: ', or tab', size: 10 });
  const missing = el('input', { id: 'missing', placeholder: 'NULL \\N', size: 20 });
  const renamed = el('input', { id: 'renamed', placeholder: 'NAME=COLUMN, …', size: 20 });
  const ignored = el('input', { id: 'ignored', placeholder: 'NAME, …', size: 20 });
  const element = el(
    'details',
    { class: 'options' },
    el('summary', {}, 'Options'),
    el(
      'div',
      { class: 'fields' },
      el('label', { for: 'conflict' }, 'A row whose key is already taken by another row'),
      conflict,
      el('label', { for: 'most' }, 'Stop if more rows are rejected than (N or P%)'),
      most,
      el('label', { for: 'encoding' }, 'Character set of the files'),
      encoding,
      el('label', { for: 'header' }, 'The first row is a header with column names'),
      header,
      el('label', { for: 'delimiter' }, 'Field delimiter'),
      delimiter,
      el('label', { for: 'missing' }, 'Words for a missing value, separated by spaces'),
      missing,
      el('label', { for: 'renamed' }, 'Columns with other names in the files'),
      renamed,
      el('label', { for: 'ignored' }, 'Columns to skip'),
      ignored,
      el('label', { for: 'all' }, 'Insert nothing if any row is rejected'),
      all,
    ),
  );
  const query = () => {
    const parameters = new URLSearchParams({ on_conflict: conflict.value, encoding: encoding.value.trim() || 'utf-8' });
    if (all.checked) parameters.set('all_or_nothing', 'true');
    if (most.value.trim()) parameters.set('max_rejects', most.value.trim());
    if (header.value !== 'auto') parameters.set('header', header.value);
    if (delimiter.value) parameters.set('delimiter', delimiter.value);
    for (const word of missing.value.split(/\s+/).filter(Boolean)) parameters.append('null', word);
    for (const pair of renamed.value.split(',').filter((pair) => pair.trim())) parameters.append('rename', pair.trim());
    if (ignored.value.trim()) parameters.set('ignore_columns', ignored.value);
    return parameters;
  };
  return { element, query };
}

function startFolder(query) {
  return ask(`/full-bulk-insert?${query}`, { method: 'POST', headers: { Prefer: 'respond-async' } });
}

async function rehearse({ file, table }, query, card) {
  const bar = el('progress', { 'aria-label': `Trying ${file.name}` });
  card.append(bar);
  try {
    const receipt = await upload(`/full-bulk-insert/${encodeURIComponent(table)}?${query}&dry_run=true`, file);
    bar.replaceWith(outcome(receipt));
    announce(`Tried ${file.name}: ${count(receipt.inserted, 'row')} would be inserted, ${number(receipt.rejected)} rejected`);
  } catch (error) {
    bar.replaceWith(problemNotice(error));
  }
}

async function carryOut({ file, table }, query, card, only) {
  const label = el('p', { class: 'soft' }, 'Sending …');
  const bar = el('progress', { 'aria-label': `Sending ${file.name}`, max: 1, value: 0 });
  const place = el('div', { class: 'stack' }, bar, label);
  card.append(place);
  const onprogress = (sent, total) => {
    bar.value = total ? sent / total : 0;
    label.textContent = `Sent ${bytes(sent)} of ${bytes(total)}`;
  };
  try {
    const path = `/full-bulk-insert/${encodeURIComponent(table)}?${query}`;
    const { load_id } = await upload(path, file, { headers: { Prefer: 'respond-async' }, onprogress });
    // From here on the load needs this page no more; the address leads back to it.
    if (only) history.replaceState(null, '', `#/load/${load_id}`);
    await new Promise((ended) => place.replaceChildren(loadView(load_id, null, ended)));
  } catch (error) {
    place.replaceChildren(problemNotice(error));
  }
}

// The table whose name the file's name holds, the longest if there are several.
function guess(name, tables) {
  const stem = name.toLowerCase().replace(/\.(csv|gz|bz2|xz|zst|zip|txt)\b/g, '');
  const named = tables.filter((table) => stem.includes(table.toLowerCase()));
  return named.sort((first, second) => second.length - first.length)[0] ?? tables[0];
}
