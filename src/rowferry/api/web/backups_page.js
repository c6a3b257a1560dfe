// The backups: made, verified, taken away and restored here.

import { ask } from './api.js';
import { el, announce } from './dom.js';
import { age, bytes, count, instant } from './format.js';
import { badge, emptyState, grid, into, notice, pager, pathOf, working } from './parts.js';
import { openRestore } from './restore_dialog.js';

export function backupsPage(_parts, _query, signal) {
  const message = el('div', { class: 'stack', role: 'status' });
  const list = el('div', { class: 'stack' });
  const make = el('div', { class: 'actions' });
  const refresh = () => into(list, draw(message, refresh, signal));
  into(make, ask('/tables', { signal }).then(({ items }) => makers(items.map((table) => table.name), message, refresh)));
  refresh();
  return el(
    'div',
    { class: 'stack' },
    el('h1', {}, 'Backups'),
    el('p', { class: 'lead' }, 'Each backup is an Avro file with its hash and number of rows. A table is restored completely or not at all, once its backup has been verified.'),
    make,
    message,
    list,
  );
}

function makers(tables, message, refresh) {
  const select = el('select', { id: 'table' }, el('option', { value: '' }, 'all tables'), tables.map((name) => el('option', { value: name }, name)));
  const run = async () => {
    const answer = await ask(`/backup-table${select.value && `/${encodeURIComponent(select.value)}`}`, { method: 'POST' });
    const made = answer.backups ?? [answer];
    const notes = made.flatMap((backup) => backup.notes.map((note) => ` ${backup.table}: ${note}.`)).join('');
    say(message, `Backed up ${made.map((backup) => `${backup.table} (${count(backup.rows, 'row')})`).join(', ')}.${notes}`);
    refresh();
  };
  return [el('label', { for: 'table' }, 'Back up'), select, working('Back up now', run, message, { class: 'main' })];
}

async function draw(message, refresh, signal) {
  const first = await ask('/backups?limit=50', { signal });
  if (first.items.length === 0) return emptyState('No backups yet', 'Make the first one: choose a table above, or all tables from one snapshot.');
  return pager(first, (next) => ask(pathOf(next), { signal }), (items) => table(items, message, refresh));
}

function table(items, message, refresh) {
  const columns = [{ title: 'Table' }, { title: 'Made' }, { title: 'Rows', numeric: true }, { title: 'Size', numeric: true }, { title: 'Verified' }, { title: 'Actions' }];
  const rows = items.map((backup) => [
    el('strong', {}, backup.table),
    el('span', {}, instant(backup.created_at), el('div', { class: 'soft small' }, age(backup.created_at))),
    backup.rows,
    bytes(backup.bytes),
    verified(backup),
    actions(backup, message, refresh),
  ]);
  return grid('Backups', columns, rows, { class: 'scroll stacked' });
}

function verified({ verified_at: at, damage }) {
  if (!at) return el('span', { class: 'soft' }, 'never');
  return el('div', {}, badge(damage ? 'damaged' : 'good'), ' ', instant(at), damage && el('div', { class: 'small' }, damage));
}

function actions(backup, message, refresh) {
  const path = `/backups/${encodeURIComponent(backup.backup_id)}`;
  const of = (what) => ({ class: 'quiet', 'aria-label': `${what} ${backup.backup_id}` });
  const verify = async () => {
    try {
      await ask(`${path}/verify`, { method: 'POST' });
      say(message, `The backup of ${backup.table} is good: hash, rows and every block were checked.`);
    } finally {
      refresh();
    }
  };
  return el(
    'div',
    { class: 'actions tight' },
    working('Verify', verify, message, of('Verify')),
    el('a', { href: `${path}/file`, download: `${backup.backup_id}.avro`, 'aria-label': `Download ${backup.backup_id}` }, 'Download'),
    working('Restore …', () => openRestore(backup, (text) => (say(message, text), refresh())), message, of('Restore')),
  );
}

function say(message, text) {
  message.replaceChildren(notice('good', text));
  announce(text);
}
