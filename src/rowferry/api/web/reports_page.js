// The reports: those about a year, which are built in, and those of one's own, each with a form for its parameters; as a
// picture and a table, and to be taken away.

import { ask, download } from './api.js';
import { el, fill } from './dom.js';
import { count } from './format.js';
import { button, emptyState, grid, into, tabs, working } from './parts.js';

const BUILT_IN = {
  'hires-by-quarter': {
    lead: 'How many employees each department hired for each job, by quarter (UTC).',
    columns: ['department', 'job', 'q1', 'q2', 'q3', 'q4'],
    none: 'Nobody was hired in that year, or no employees have been loaded yet.',
  },
  'departments-above-mean': {
    lead: 'The departments that hired more than the mean of all departments, most hires first.',
    columns: ['id', 'department', 'hired'],
    none: 'No department hired more than the mean in that year, or no employees have been loaded yet.',
  },
};
const MOST_ROWS = 2000;
const NONE = 'There are no rows for these parameters.';
const FORMS = { CSV: ['text/csv', 'csv'], SVG: ['image/svg+xml', 'svg'], PNG: ['image/png', 'png'], JSON: ['application/json', 'json'] };
const PICTURES = new Set(['SVG', 'PNG']);
const DEFAULT_YEAR = '2021';
const INPUTS = { integer: { inputmode: 'numeric' }, float: { inputmode: 'decimal' }, decimal: { inputmode: 'decimal' }, date: { placeholder: 'YYYY-MM-DD' }, datetime: { placeholder: 'YYYY-MM-DD HH:MM' }, boolean: { placeholder: 'true or false' } };

export function reportsPage([chosen], query, signal) {
  const place = el('div', { class: 'stack' });
  into(place, choose(chosen, query, signal));
  return el('div', { class: 'stack' }, el('h1', {}, 'Reports'), place);
}

async function choose(chosen, query, signal) {
  const { items } = await ask('/reports', { signal });
  if (items.length === 0) return emptyState('No reports', 'Set ROWFERRY_REPORTS to a folder of SQL files.');
  const report = items.find(({ name }) => name === chosen) ?? items[0];
  const asked = query.toString();
  const address = (each) => `#/reports/${each.name}${asked && each.built_in && report.built_in ? `?${asked}` : ''}`;
  const shown = report.built_in ? aboutAYear(report, query, signal) : ownReport(report, query, signal);
  return [tabs('Reports', items.map((each) => [each.title, address(each), each.name]), report.name), ...shown];
}

function aboutAYear(report, query, signal) {
  const place = el('div', { class: 'stack' });
  const year = el('input', { id: 'year', value: query.get('year') ?? DEFAULT_YEAR, inputmode: 'numeric', maxlength: 4, size: 4, autocomplete: 'off', class: 'year' });
  const drawn = () => into(place, draw(report, { year: year.value }, signal));
  const show = () => {
    history.replaceState(null, '', `#/reports/${report.name}?year=${encodeURIComponent(year.value)}`);
    drawn();
  };
  const step = (by) => button(by < 0 ? '‹' : '›', () => ((year.value = stepped(year.value, by)), show()), {
    class: 'quiet',
    'aria-label': by < 0 ? 'Previous year' : 'Next year',
  });
  year.addEventListener('change', show);
  drawn();
  return [
    el('p', { class: 'lead' }, BUILT_IN[report.name].lead),
    el('div', { class: 'actions' }, el('label', { for: 'year' }, 'Year'), step(-1), year, step(1)),
    place,
  ];
}

// Four digits, as the service takes them; what is no year becomes one.
function stepped(text, by) {
  return String(Math.min(9999, Math.max(1, (Number(text) || Number(DEFAULT_YEAR)) + by))).padStart(4, '0');
}

// A field for each parameter. It is asked for at once if nothing has to be filled in, or the address has it all.
function ownReport(report, query, signal) {
  const place = el('div', { class: 'stack' });
  const fields = report.parameters.map(({ name, type, required, default: given, doc }) => {
    const input = el('input', { id: `parameter-${name}`, name, value: query.get(name) ?? given ?? '', required, autocomplete: 'off', title: doc, ...INPUTS[type] });
    return { name, input, given, label: el('label', { for: input.id }, name) };
  });
  const show = () => {
    // An empty field is left out, as is one that has its default.
    const asked = Object.fromEntries(fields.filter(({ input, given }) => input.value.trim() && input.value !== given).map(({ name, input }) => [name, input.value]));
    const address = new URLSearchParams(asked).toString();
    history.replaceState(null, '', `#/reports/${report.name}${address && `?${address}`}`);
    into(place, draw(report, asked, signal));
  };
  const form = el('form', { class: 'actions', onsubmit: (event) => (event.preventDefault(), show()) }, fields.map(({ label, input }) => [label, input]), el('button', {}, 'Show'));
  if (fields.every(({ input }) => !input.required || input.value)) show();
  return [el('p', { class: 'lead' }, report.description), fields.length > 0 && form, place].filter(Boolean);
}

async function draw(report, asked, signal) {
  const address = new URLSearchParams(asked).toString();
  const path = `/reports/${report.name}${address && `?${address}`}`;
  const { rows } = await ask(path, { signal });
  const about = Object.values(asked).join(' ');
  const message = el('div');
  const take = Object.entries(FORMS)
    .filter(([form]) => report.pictured || !PICTURES.has(form))
    .map(([form, [accept, ending]]) =>
      working(form, () => download(path, accept, `${[report.name, ...Object.values(asked)].join('-')}.${ending}`), message, { class: 'quiet', 'aria-label': `Download as ${form}` }),
    );
  if (rows.length === 0) return emptyState(`Nothing to report${about && ` for ${about}`}`, BUILT_IN[report.name]?.none ?? NONE, el('a', { href: '#/load' }, 'Load a file'));
  return [
    report.pictured && pictured(report, path, about),
    el('div', { class: 'actions' }, el('strong', {}, count(rows.length, 'row')), el('span', { class: 'grow' }), el('span', { class: 'soft' }, 'Download'), take),
    message,
    table(report, rows),
  ].filter(Boolean);
}

function pictured(report, path, about) {
  const picture = el('img', { src: path, alt: `${report.title}${about && ` in ${about}`}, as a chart; the table below has the numbers.`, class: 'picture', height: 480 });
  picture.addEventListener('load', () => picture.removeAttribute('height'));
  return el('figure', { class: 'card' }, picture);
}

function table(report, all) {
  const rows = report.built_in ? all : all.slice(0, MOST_ROWS);
  const columns = BUILT_IN[report.name]?.columns ?? Object.keys(rows[0]);
  const heads = columns.map((column) => ({ title: column, numeric: rows.every((row) => row[column] === null || typeof row[column] === 'number') }));
  const lines = rows.map((row) => columns.map((column) => shown(row[column])));
  const departments = [...new Set(rows.map((row) => row.department))];
  const label = `${report.title}, as a table`;
  if (report.name !== 'hires-by-quarter' || departments.length < 2) {
    const rest = all.length > rows.length && el('p', { class: 'soft' }, `These are the first ${count(rows.length, 'row')}; download them all.`);
    return el('div', { class: 'stack' }, rest, grid(label, heads, lines, { class: 'scroll tall' }));
  }
  const place = el('div');
  const select = el('select', { id: 'department', onchange: () => show() }, el('option', { value: '' }, 'all'), departments.map((department) => el('option', { value: department }, department)));
  const show = () => fill(place, grid(label, heads, lines.filter((line) => !select.value || line[0] === select.value), { class: 'scroll tall' }));
  show();
  return el('div', { class: 'stack' }, el('div', { class: 'actions' }, el('label', { for: 'department' }, 'Department'), select), place);
}

function shown(value) {
  return typeof value === 'boolean' || (typeof value === 'object' && value !== null) ? JSON.stringify(value) : value;
}
