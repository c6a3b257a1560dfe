// The tables: the rules of each, and its rows, page by page in the order of the key.

import { ask } from './api.js';
import { el, announce } from './dom.js';
import { cell, number } from './format.js';
import { emptyState, grid, into, pathOf, tabs, working } from './parts.js';

const PAGE_ROWS = 50;

export function tablesPage([chosen], _query, signal) {
  const place = el('div', { class: 'stack' });
  into(place, draw(chosen, signal));
  return el('div', { class: 'stack' }, el('h1', {}, 'Tables'), place);
}

async function draw(chosen, signal) {
  const { items } = await ask('/tables', { signal });
  const table = items.find((item) => item.name === chosen) ?? items[0];
  const rows = el('section', { class: 'stack', 'aria-labelledby': 'rows' });
  into(rows, rowsOf(table, signal));
  return [
    tabs('Tables', items.map((item) => [item.name, `#/tables/${encodeURIComponent(item.name)}`, item.name]), table.name),
    el('p', { class: 'lead' }, table.doc),
    rules(table),
    rows,
  ];
}

function rules(table) {
  const columns = [{ title: 'Column' }, { title: 'Type' }, { title: 'Rule' }, { title: 'Meaning' }];
  const lines = table.columns.map((column) => [el('strong', {}, column.name), limits(column), column.rule, column.doc]);
  const checks = table.checks.map((check) => el('li', {}, el('code', {}, check.condition), ` (${check.name})`));
  return el(
    'section',
    { class: 'stack', 'aria-labelledby': 'rules' },
    el('h2', { id: 'rules' }, 'Rules'),
    grid(`Rules of ${table.name}`, columns, lines, { class: 'scroll stacked' }),
    checks.length > 0 && el('div', {}, el('p', {}, 'Each row must also meet:'), el('ul', {}, checks)),
  );
}

function limits(column) {
  return column.minimum === null ? column.type : `${column.type}, ${number(column.minimum)} to ${number(column.maximum)}`;
}

async function rowsOf(table, signal) {
  const start = `/tables/${encodeURIComponent(table.name)}/rows?limit=${PAGE_ROWS}`;
  const before = [];
  const body = el('div');
  const message = el('div');
  const behind = el('input', { id: 'behind', size: 12, autocomplete: 'off' });
  const first = working('First', () => ((before.length = 0), show(start)), message, { class: 'quiet' });
  const previous = working('Previous', () => show(before.pop()), message, { class: 'quiet' });
  const next = working('Next', () => (before.push(previous.path), show(next.path)), message);
  const go = working('Go', () => ((before.length = 0), show(behind.value === '' ? start : `${start}&${new URLSearchParams({ after: behind.value })}`)), message);
  behind.addEventListener('keydown', (event) => event.key === 'Enter' && go.click());

  async function show(path) {
    const page = await ask(path, { signal });
    const columns = table.columns.map((column) => ({ title: column.name, numeric: column.type === 'integer' }));
    const rows = page.items.map((row) => table.columns.map((column) => (column.type === 'integer' && row[column.name] !== null ? String(row[column.name]) : cell(row[column.name], column.type))));
    body.replaceChildren(rows.length > 0 ? grid(`Rows of ${table.name}`, columns, rows) : nothing());
    previous.path = path;
    next.path = page.next && pathOf(page.next);
    // `working` enables its own button once it is done, so what cannot be done is hidden, not disabled.
    next.hidden = !page.next;
    previous.hidden = before.length === 0;
    first.hidden = path === start;
    announce(`${rows.length} rows shown`);
  }

  function nothing() {
    return emptyState('No rows here', 'Load a CSV file, or start from another key.', el('a', { href: '#/load' }, 'Load a file'));
  }

  await show(start);
  const simple = table.key.length === 1;
  return [
    el('h2', { id: 'rows' }, 'Rows'),
    simple && el('div', { class: 'actions' }, el('label', { for: 'behind' }, `Rows after ${table.key[0]}`), behind, go),
    body,
    message,
    el('div', { class: 'actions' }, first, previous, next),
  ];
}
