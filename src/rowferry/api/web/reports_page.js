// The reports: both of them, for any year, as a picture and a table, and to be taken away.

import { ask, download } from './api.js';
import { el, fill } from './dom.js';
import { count } from './format.js';
import { button, emptyState, grid, into, tabs, working } from './parts.js';

const REPORTS = {
  'hires-by-quarter': {
    title: 'Hires by quarter',
    lead: 'How many employees each department hired for each job, by quarter (UTC).',
    columns: ['department', 'job', 'q1', 'q2', 'q3', 'q4'],
    none: 'Nobody was hired in that year, or no employees have been loaded yet.',
  },
  'departments-above-mean': {
    title: 'Departments above the mean',
    lead: 'The departments that hired more than the mean of all departments, most hires first.',
    columns: ['id', 'department', 'hired'],
    none: 'No department hired more than the mean in that year, or no employees have been loaded yet.',
  },
};
const TEXTS = new Set(['department', 'job']);
const FORMS = { CSV: ['text/csv', 'csv'], SVG: ['image/svg+xml', 'svg'], PNG: ['image/png', 'png'], JSON: ['application/json', 'json'] };
const DEFAULT_YEAR = '2021';

export function reportsPage([chosen], query, signal) {
  const name = chosen in REPORTS ? chosen : Object.keys(REPORTS)[0];
  const report = REPORTS[name];
  const place = el('div', { class: 'stack' });
  const year = el('input', { id: 'year', value: query.get('year') ?? DEFAULT_YEAR, inputmode: 'numeric', maxlength: 4, size: 4, autocomplete: 'off', class: 'year' });
  const show = () => {
    history.replaceState(null, '', `#/reports/${name}?year=${encodeURIComponent(year.value)}`);
    into(place, draw(name, year.value, signal));
  };
  const step = (by) => button(by < 0 ? '‹' : '›', () => ((year.value = stepped(year.value, by)), show()), {
    class: 'quiet',
    'aria-label': by < 0 ? 'Previous year' : 'Next year',
  });
  year.addEventListener('change', show);
  into(place, draw(name, year.value, signal));
  return el(
    'div',
    { class: 'stack' },
    el('h1', {}, 'Reports'),
    tabs('Reports', Object.entries(REPORTS).map(([key, { title }]) => [title, `#/reports/${key}?year=${encodeURIComponent(year.value)}`, key]), name),
    el('p', { class: 'lead' }, report.lead),
    el('div', { class: 'actions' }, el('label', { for: 'year' }, 'Year'), step(-1), year, step(1)),
    place,
  );
}

// Four digits, as the service takes them; what is no year becomes one.
function stepped(text, by) {
  return String(Math.min(9999, Math.max(1, (Number(text) || Number(DEFAULT_YEAR)) + by))).padStart(4, '0');
}

async function draw(name, year, signal) {
  const path = `/reports/${name}?${new URLSearchParams({ year })}`;
  const { rows } = await ask(path, { signal });
  const { title, columns, none } = REPORTS[name];
  const message = el('div');
  const take = Object.entries(FORMS).map(([form, [accept, ending]]) =>
    working(form, () => download(path, accept, `${name}-${year}.${ending}`), message, { class: 'quiet', 'aria-label': `Download as ${form}` }),
  );
  if (rows.length === 0) return emptyState(`Nothing to report for ${year}`, none, el('a', { href: '#/load' }, 'Load a file'));
  const picture = el('img', { src: path, alt: `${title} in ${year}, as a bar chart; the table below has the numbers.`, class: 'picture', height: 480 });
  picture.addEventListener('load', () => picture.removeAttribute('height'));
  return [
    el('figure', { class: 'card' }, picture),
    el('div', { class: 'actions' }, el('strong', {}, count(rows.length, 'row')), el('span', { class: 'grow' }), el('span', { class: 'soft' }, 'Download'), take),
    message,
    table(name, columns, rows),
  ];
}

function table(name, columns, rows) {
  const heads = columns.map((column) => ({ title: column, numeric: !TEXTS.has(column) }));
  const lines = rows.map((row) => columns.map((column) => row[column]));
  const departments = [...new Set(rows.map((row) => row.department))];
  const label = `${REPORTS[name].title}, as a table`;
  if (name !== 'hires-by-quarter' || departments.length < 2) return grid(label, heads, lines, { class: 'scroll tall' });
  const place = el('div');
  const select = el('select', { id: 'department', onchange: () => show() }, el('option', { value: '' }, 'all'), departments.map((department) => el('option', { value: department }, department)));
  const show = () => fill(place, grid(label, heads, lines.filter((line) => !select.value || line[0] === select.value), { class: 'scroll tall' }));
  show();
  return el('div', { class: 'stack' }, el('div', { class: 'actions' }, el('label', { for: 'department' }, 'Department'), select), place);
}
