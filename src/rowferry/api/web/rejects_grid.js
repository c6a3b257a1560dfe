// The rejected rows of a load: to be seen as they stood, corrected in place, and loaded again.

import { ask, download, send, upload } from './api.js';
import { csvFile, rowsOf, unguarded } from './csv.js';
import { el, fill, announce } from './dom.js';
import { count, number } from './format.js';
import { button, into, notice, working } from './parts.js';

const FETCHED = 1000;
const SHOWN = 100;
const EVERYTHING = '';

export function rejectsGrid(load, signal) {
  const tables = load.tables.filter((table) => table.rejected > 0).map((table) => table.table);
  const names = tables.length > 0 ? [...new Set(tables)] : [...new Set(load.sources.map((source) => source.table))];
  const place = el('div', { class: 'stack' });
  const choose = (table) => into(place, open(load.load_id, table, signal));
  const select = el('select', { id: 'rejects-of', onchange: () => choose(select.value) }, names.map((name) => el('option', { value: name }, name)));
  choose(names[0]);
  return el(
    'section',
    { class: 'stack rejects', 'aria-labelledby': 'rejects' },
    el('h2', { id: 'rejects' }, 'Rejected rows'),
    names.length > 1 && el('p', {}, el('label', { for: 'rejects-of' }, 'Table '), select),
    place,
  );
}

async function open(loadId, table, signal) {
  const rules = await ask(`/tables/${encodeURIComponent(table)}`, { signal });
  const source = new Rejects(loadId, table, signal);
  await source.more();
  return new Grid(rules, source).element;
}

// The rejected rows of one table, with their cells in the order of its columns.
class Rejects {
  constructor(loadId, table, signal) {
    Object.assign(this, { loadId, table, signal, rows: [], next: null, started: false });
    this.path = `/loads/${encodeURIComponent(loadId)}/rejects?table=${encodeURIComponent(table)}`;
  }

  async more() {
    const after = this.rows.at(-1)?.reject_id ?? 0;
    const page = await ask(`${this.path}&limit=${FETCHED}&after=${after}`, { signal: this.signal });
    this.cells ??= await this.openCells();
    for (const row of page.items) {
      const { value = [] } = await this.cells.next();
      const cells = value.slice(0, -3).map(unguarded);
      this.rows.push({ ...row, cells, original: [...cells], loaded: false });
    }
    this.next = page.next;
  }

  // The correctable file knows which cell belongs to which column, whatever the order in the file was.
  async openCells() {
    const response = await send(this.path, { headers: { Accept: 'text/csv' }, signal: this.signal });
    const rows = rowsOf(response);
    await rows.next();
    return rows;
  }
}

class Grid {
  constructor(rules, source) {
    Object.assign(this, { rules, source, columns: rules.columns.map((column) => column.name), shown: SHOWN });
    this.code = this.filter('Reason', 'code');
    this.column = this.filter('Column', 'column');
    this.message = el('span', { class: 'soft', role: 'status' });
    this.outcome = el('div', { class: 'stack' });
    this.body = el('tbody');
    this.more = el('div', { class: 'actions' });
    this.element = el('div', { class: 'stack' }, this.filters(), this.toolbar(), this.outcome, this.table(), this.more);
    this.draw();
  }

  filters() {
    const { loadId, table } = this.source;
    const file = working('Download as CSV', () => download(this.source.path, 'text/csv', `${table}.csv`), el('div'), { class: 'quiet' });
    file.title = `Correct and reload it: rejected rows of ${loadId}`;
    return el('div', { class: 'actions' }, this.code.label, this.column.label, this.message, el('span', { class: 'grow' }), file);
  }

  filter(label, field) {
    const counts = new Map();
    for (const row of this.source.rows) {
      for (const value of new Set(row.errors.map((error) => error[field] ?? 'the row'))) counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const options = [...counts].sort().map(([value, rows]) => el('option', { value }, `${value} (${number(rows)})`));
    const select = el('select', { onchange: () => ((this.shown = SHOWN), this.draw()) }, el('option', { value: EVERYTHING }, 'all'), options);
    return { label: el('label', { class: 'filter' }, label, select), select };
  }

  table() {
    const heads = ['Row', ...this.columns, 'Why'].map((name) => el('th', { scope: 'col' }, name));
    const table = el('table', { class: 'correctable' }, el('thead', {}, el('tr', {}, heads)), this.body);
    return el('div', { class: 'scroll tall', tabindex: 0, role: 'region', 'aria-label': `Rejected rows of ${this.rules.name}` }, table);
  }

  toolbar() {
    this.corrected = el('strong', { role: 'status' });
    this.tryIt = working('Try', () => this.send(true), this.outcome);
    this.loadIt = working('Load corrected rows', () => this.send(false), this.outcome, { class: 'main' });
    this.undo = button('Undo', () => this.discard(), { class: 'quiet' });
    return el('div', { class: 'toolbar' }, this.corrected, el('span', { class: 'grow' }), this.undo, this.tryIt, this.loadIt);
  }

  chosen() {
    const [code, column] = [this.code.select.value, this.column.select.value];
    const fits = (error) => (!code || error.code === code) && (!column || (error.column ?? 'the row') === column);
    return this.source.rows.filter((row) => row.errors.some(fits));
  }

  draw() {
    const chosen = this.chosen();
    const shown = chosen.slice(0, this.shown);
    fill(this.body, shown.map((row) => this.row(row)));
    this.message.textContent = `${number(shown.length)} of ${count(chosen.length, 'row')} shown`;
    fill(
      this.more,
      chosen.length > this.shown && button(`Show ${SHOWN} more`, () => ((this.shown += SHOWN), this.draw()), { class: 'quiet' }),
      this.source.next && working(`Fetch ${number(FETCHED)} more rejected rows`, () => this.source.more().then(() => this.draw()), this.outcome, { class: 'quiet' }),
    );
    this.count();
  }

  row(row) {
    const faulty = new Map(row.errors.map((error) => [error.column, error.message]));
    const made = el(
      'tr',
      { class: row.loaded && 'loaded' },
      el('th', { scope: 'row', class: 'number' }, number(row.row_number)),
      this.columns.map((column, at) => el('td', { class: faulty.has(column) && 'faulty' }, this.cell(row, column, at, faulty.get(column), () => mark()))),
      el('td', { class: 'why' }, why(row)),
    );
    const mark = () => {
      made.classList.toggle('changed', isChanged(row));
      this.count();
    };
    made.classList.toggle('changed', isChanged(row));
    return made;
  }

  cell(row, column, at, message, changed) {
    const value = row.cells[at] ?? '';
    const input = el(/[\r\n]/.test(value) ? 'textarea' : 'input', {
      value,
      'aria-label': `${column} of row ${row.row_number}`,
      'aria-invalid': message && !row.loaded ? 'true' : null,
      title: message,
      placeholder: message && !value ? 'missing' : null,
      size: value.length === 0 ? 8 : Math.min(Math.max(value.length, 4), 26),
      readonly: row.loaded,
      autocomplete: 'off',
      spellcheck: 'false',
      oninput: () => {
        row.cells[at] = input.value;
        input.classList.toggle('edited', row.cells[at] !== row.original[at]);
        changed();
      },
      onkeydown: (event) => moveDown(event, input),
    });
    input.classList.toggle('edited', row.cells[at] !== row.original[at]);
    return input;
  }

  count() {
    const changed = this.source.rows.filter(isChanged).length;
    this.corrected.textContent = changed ? `${count(changed, 'row')} corrected` : 'Correct cells below, then load the rows again';
    for (const control of [this.tryIt, this.loadIt, this.undo]) control.disabled = changed === 0;
  }

  discard() {
    for (const row of this.source.rows.filter(isChanged)) row.cells = [...row.original];
    this.draw();
  }

  async send(dry) {
    const rows = this.source.rows.filter(isChanged);
    const file = csvFile(`corrected-${this.rules.name}.csv`, this.columns, rows.map((row) => row.cells));
    const receipt = await upload(`/full-bulk-insert/${encodeURIComponent(this.rules.name)}?dry_run=${dry}`, file);
    if (!dry) await this.settle(rows, receipt);
    this.outcome.replaceChildren(said(receipt));
    announce(this.outcome.textContent);
    this.draw();
    this.tryIt.blur();
  }

  // Rows that are in cannot be changed any more; the others have new reasons.
  async settle(rows, receipt) {
    const left = new Map();
    for (let after = 0, next = receipt.rejected > 0; next; ) {
      const page = await ask(`/loads/${receipt.load_id}/rejects?limit=${FETCHED}&after=${after}`);
      for (const reject of page.items) left.set(reject.row_number, reject.errors);
      [after, next] = [page.items.at(-1).reject_id, page.next];
    }
    for (const [at, row] of rows.entries()) {
      const errors = left.get(at + 2);
      row.loaded = !errors;
      row.original = [...row.cells];
      if (errors) row.errors = errors;
    }
  }
}

function isChanged(row) {
  return !row.loaded && row.cells.some((cell, at) => cell !== row.original[at]);
}

function why(row) {
  if (row.loaded) return el('strong', { class: 'good' }, '✓ loaded');
  return [
    row.errors.map((error) => el('div', {}, el('span', { class: 'code' }, error.code), ' ', error.message)),
    el('details', {}, el('summary', {}, 'As it was'), el('code', { class: 'raw' }, row.raw)),
  ];
}

function said(receipt) {
  const left = receipt.rejected;
  const codes = Object.entries(receipt.tables[0]?.rejected_by_code ?? {}).map(([code, rows]) => `${code} ${number(rows)}`);
  const words = `${count(receipt.inserted, 'row')} ${receipt.dry_run ? 'would be' : receipt.inserted === 1 ? 'was' : 'were'} inserted, ${number(left)} rejected${left ? ` (${codes.join(', ')})` : ''}`;
  return notice(
    left ? 'warn' : 'good',
    el('strong', {}, `${words}.`),
    receipt.unchanged > 0 && ` ${count(receipt.unchanged, 'row')} unchanged.`,
    !receipt.dry_run && [' ', el('a', { href: `#/load/${receipt.load_id}` }, 'See this load')],
  );
}

// Enter goes to the same column of the next row, as in a spreadsheet.
function moveDown(event, input) {
  if (event.key !== 'Enter' || event.shiftKey) return;
  event.preventDefault();
  const at = input.closest('td').cellIndex;
  input.closest('tr').nextElementSibling?.cells[at].querySelector('input, textarea')?.focus();
}
