// One load: how far it is, what became of its rows, and what it rejected.

import { ask, Problem } from './api.js';
import { el, fill, announce } from './dom.js';
import { bytes, count, duration, instant, number } from './format.js';
import { badge, figure, grid, notes, notice, problemNotice, waiting } from './parts.js';
import { rejectsGrid } from './rejects_grid.js';

const COUNTS = ['rows_read', 'inserted', 'updated', 'unchanged', 'rejected'];

// Follows a load to its end, wherever it was started; `ended` is called then.
export function loadView(loadId, signal, ended = () => {}) {
  const view = el('div', { class: 'stack load' }, waiting());
  show(view, loadId, signal).then(ended, (error) => {
    fill(view, problemNotice(error));
    ended();
  });
  return view;
}

async function show(view, loadId, signal) {
  const path = `/loads/${encodeURIComponent(loadId)}`;
  let load = await ask(path, { signal });
  if (load.status === 'running') {
    await follow(view, path, signal);
    load = await ask(path, { signal });
    announce(load.status === 'done' ? `Loaded: ${said(load)}` : 'The load failed');
  }
  fill(view, verdict(load), load.rejected > 0 && rejectsGrid(load, signal));
}

function follow(view, path, signal) {
  const bar = el('progress', { 'aria-label': 'Rows read', max: 1 });
  const phase = el('p', {}, 'Loading …');
  const figures = el('dl', { class: 'figures' });
  fill(view, el('div', { class: 'card stack' }, phase, bar, figures, el('p', { class: 'soft' }, 'The load continues if you close this page; you can find it under History.')));
  showProgress(null);

  function showProgress(progress) {
    const known = progress ?? { rows_read: 0, rejected: 0, rows_per_second: 0, seconds_left: null, bytes_read: 0, bytes_total: 0 };
    const publishing = known.phase === 'publishing';
    phase.textContent = publishing ? `Inserting the rows into ${known.table} …` : `Reading${known.table ? ` ${known.table}` : ''} …`;
    if (publishing || !known.bytes_total) bar.removeAttribute('value');
    else bar.value = known.bytes_read / known.bytes_total;
    fill(
      figures,
      figure('Rows read', known.rows_read),
      figure('Rejected', known.rejected),
      figure('Rows per second', Math.round(known.rows_per_second)),
      figure('Read', `${bytes(known.bytes_read)} of ${bytes(known.bytes_total)}`),
      figure('Time left', publishing ? 'soon' : duration(known.seconds_left)),
    );
  }

  return new Promise((resolve) => {
    const events = new EventSource(`${path}/events`);
    const end = () => {
      events.close();
      resolve();
    };
    events.addEventListener('progress', (event) => showProgress(JSON.parse(event.data)));
    events.addEventListener('receipt', end);
    events.addEventListener('problem', end);
    signal?.addEventListener('abort', () => events.close());
  });
}

function verdict(load) {
  return [
    load.error && problemNotice(new Problem({ detail: load.error.message, hint: load.error.hint, code: load.error.code })),
    load.status === 'done' && notice(load.rejected ? 'warn' : 'good', el('strong', {}, `${said(load)}.`), ' ', reasons(load)),
    notes(load.tables, 'source'),
    figures(load),
    receipt(load),
    passedOver(load),
    el(
      'p',
      { class: 'soft' },
      badge(load.status),
      ' Started ',
      instant(load.started_at),
      load.finished_at && [', ended ', instant(load.finished_at)],
      ` by ${load.caller}`,
    ),
  ];
}

// What a load did, or of a dry run: would do.
export function outcome(receipt_) {
  return el(
    'div',
    { class: 'stack' },
    notice(receipt_.rejected ? 'warn' : 'good', el('strong', {}, `Nothing was written. A load now would give: ${said(receipt_)}.`), ' ', reasons(receipt_)),
    notes(receipt_.tables, 'source'),
    figures(receipt_),
    receipt(receipt_),
    passedOver(receipt_),
  );
}

function said(load) {
  const parts = [`${count(load.inserted, 'row')} inserted`];
  if (load.updated) parts.push(`${number(load.updated)} updated`);
  if (load.unchanged) parts.push(`${number(load.unchanged)} unchanged`);
  parts.push(`${number(load.rejected)} rejected`);
  return parts.join(', ');
}

// Why rows of a load of one file are rejected; of several, the receipt says so for each.
function reasons({ tables }) {
  return tables.length === 1 && codes(tables[0]);
}

function codes({ rejected_by_code: found }) {
  return Object.entries(found).map(([code, rows]) => el('span', { class: 'code' }, `${code} ${number(rows)} `));
}

function figures(load) {
  return el(
    'dl',
    { class: 'figures' },
    COUNTS.map((name) => figure(name === 'rows_read' ? 'Rows read' : capital(name), load[name], name === 'rejected' && load.rejected ? 'warn' : '')),
  );
}

function passedOver({ passed_over: names }) {
  return names.length > 0 && el('p', { class: 'soft' }, `Skipped because they are not named after a table: ${names.join(', ')}`);
}

function receipt(load) {
  const columns = [{ title: 'File' }, { title: 'Table' }, ...COUNTS.map((name) => ({ title: name === 'rows_read' ? 'Read' : capital(name), numeric: true })), { title: 'Why rejected' }];
  const rows = load.tables.map((table) => [
    table.source,
    table.table,
    ...COUNTS.map((name) => table[name]),
    codes(table),
  ]);
  return rows.length > 1 && grid('Results by file', columns, rows);
}

function capital(word) {
  return word[0].toUpperCase() + word.slice(1);
}
