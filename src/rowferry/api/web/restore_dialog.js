// The dialogue that restores a table: it shows first what would change, and acts once the table's name is typed.

import { ask } from './api.js';
import { el, fill } from './dom.js';
import { count, instant, number } from './format.js';
import { button, figure, notes, notice, problemNotice, waiting, working } from './parts.js';

const COUNTS = ['added', 'changed', 'removed', 'unchanged', 'rejected'];

export async function openRestore(backup, done) {
  const body = el('div', { class: 'stack' }, waiting('Comparing the backup with the table …'));
  const dialog = el(
    'dialog',
    { 'aria-labelledby': 'restore' },
    el('div', { class: 'stack' }, el('h2', { id: 'restore' }, `Restore ${backup.table}`), el('p', { class: 'soft' }, 'From the backup of ', instant(backup.created_at), ` with ${count(backup.rows, 'row')}`), body),
  );
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  const path = `/restore-table/${encodeURIComponent(backup.table)}?${new URLSearchParams({ backup_id: backup.backup_id })}`;
  const close = button('Cancel', () => dialog.close());
  try {
    const trial = await ask(`${path}&dry_run=true`, { method: 'POST' });
    fill(body, changes(trial), trial.obstacles.map(obstacle), confirmation(backup.table, trial, path, close, (text) => (dialog.close(), done(text))));
  } catch (error) {
    fill(body, problemNotice(error), el('div', { class: 'actions' }, close));
  }
}

function changes(trial) {
  const tables = trial.tables.map((table) => [
    COUNTS.some((name) => table.examples?.[name]?.length > 0) &&
      el('details', {}, el('summary', {}, `Examples of ${table.table}`), el('ul', {}, ['added', 'changed', 'removed'].map((name) => examples(name, table.examples[name] ?? [])))),
  ]);
  const same = trial.added + trial.changed + trial.removed === 0;
  return [
    el('p', {}, same ? 'The table is as it was in this backup: nothing would change.' : 'The restore would make these changes:'),
    el('dl', { class: 'figures' }, COUNTS.filter((name) => name !== 'rejected' || trial.rejected).map((name) => figure(name[0].toUpperCase() + name.slice(1), trial[name], name === 'removed' && trial.removed ? 'warn' : ''))),
    notes(trial.tables, 'table'),
    tables,
  ];
}

function examples(kind, keys) {
  const example = (key) => Object.entries(key.key ?? key).map(([name, value]) => `${name} ${value}`).join(', ') + (key.columns ? ` (${key.columns.join(', ')})` : '');
  return keys.length > 0 && el('li', {}, `${kind}: ${keys.map(example).join('; ')}`);
}

function obstacle(found) {
  return notice('wrong', el('strong', {}, `${found.message}.`), el('p', {}, found.hint));
}

function confirmation(table, trial, path, close, done) {
  if (trial.obstacles.length > 0) {
    return [el('p', {}, 'It cannot be restored until these obstacles are removed.'), el('div', { class: 'actions' }, close)];
  }
  const message = el('div');
  const name = el('input', { id: 'confirm', autocomplete: 'off', spellcheck: 'false', oninput: () => (restore.disabled = name.value !== table) });
  const run = async () => {
    const receipt = await ask(path, { method: 'POST' });
    done(`${table} was restored: ${number(receipt.added)} added, ${number(receipt.changed)} changed, ${number(receipt.removed)} removed.`);
  };
  const restore = working('Restore', run, message, { class: 'danger' });
  restore.disabled = true;
  name.addEventListener('keydown', (event) => event.key === 'Enter' && restore.click());
  return [
    el('p', {}, el('label', { for: 'confirm' }, 'To continue, type the name of the table: ', el('strong', {}, table))),
    name,
    message,
    el('div', { class: 'actions' }, restore, close),
  ];
}
