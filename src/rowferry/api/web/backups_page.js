// The backups: made, verified, taken away and restored here.

import { ask } from './api.js';
import { el, announce } from './dom.js';
import { age, bytes, count, instant } from './format.js';
import { badge, emptyState, grid, into, notice, pager, pathOf, working } from './parts.js';
import { openRestore } from './restore_dialog.js';

export function backupsPage(_parts, _query, signal) {
  const told = el('div', { class: 'stack', role: 'status' });
  const list = el('div', { class: 'stack' });
  const make = el('div', { class: 'actions' });
  const refresh = () => into(list, draw(told, refresh, signal));
  into(make, ask('/tables', { signal }).then(({ items }) => makers(items.map((table) => table.name), told, refresh)));
  refresh();
  return el(
    'div',
    { class: 'stack' },
    el('h1', {}, 'Backups'),
    el('p', { class: 'lead' }, 'Each backup is an Avro file with its hash and number of rows. A table is restored completely or not at all, once its backup has been verified.'),
    make,
    told,
    list,
  );
}

function makers(tables, told, refresh) {
  const select = el('select', { id: 'table' }, el('option', { value: '' }, 'all tables'), tables.map((name) => el('option', { value: name }, name)));
  const run = async () => {
    const answer = await ask(`/backup-table${select.value && `/${encodeURIComponent(select.value)}`}`, { method: 'POST' });
    const made = answer.backups ?? [answer];
    say(told, `Backed up ${made.map((one) => `${one.table} (${count(one.rows, 'row')})`).join(', ')}.`);
    refresh();
  };
  return [el('label', { for: 'table' }, 'Back up'), select, working('Back up now', run, told, { class: 'main' })];
}

async function draw(told, refresh, signal) {
  const first = await ask('/backups?limit=50', { signal });
  if (first.items.length === 0) return emptyState('No backups yet', 'Make the first one: choose a table above, or all tables from one snapshot.');
  return pager(first, (next) => ask(pathOf(next), { signal }), (items) => table(items, told, refresh));
}

function table(items, told, refresh) {
  const columns = [{ title: 'Table' }, { title: 'Made' }, { title: 'Rows', numeric: true }, { title: 'Size', numeric: true }, { title: 'Verified' }, { title: 'Actions' }];
  const rows = items.map((backup) => [
    el('strong', {}, backup.table),
    el('span', {}, instant(backup.created_at), el('div', { class: 'soft small' }, age(backup.created_at))),
    backup.rows,
    bytes(backup.bytes),
    verified(backup),
    actions(backup, told, refresh),
  ]);
  return grid('Backups', columns, rows, { class: 'scroll stacked' });
}

function verified({ verified_at: at, damage }) {
  if (!at) return el('span', { class: 'soft' }, 'never');
  return el('div', {}, badge(damage ? 'damaged' : 'good'), ' ', instant(at), damage && el('div', { class: 'small' }, damage));
}

function actions(backup, told, refresh) {
  const path = `/backups/${encodeURIComponent(backup.backup_id)}`;
  const of = (what) => ({ class: 'quiet', 'aria-label': `${what} ${backup.backup_id}` });
  const verify = async () => {
    try {
      await ask(`${path}/verify`, { method: 'POST' });
      say(told, `The backup of ${backup.table} is good: hash, rows and every block were checked.`);
    } finally {
      refresh();
    }
  };
  return el(
    'div',
    { class: 'actions tight' },
    working('Verify', verify, told, of('Verify')),
    el('a', { href: `${path}/file`, download: `${backup.backup_id}.avro`, 'aria-label': `Download ${backup.backup_id}` }, 'Download'),
    working('Restore …', () => openRestore(backup, (text) => (say(told, text), refresh())), told, of('Restore')),
  );
}

function say(told, text) {
  told.replaceChildren(notice('good', text));
  announce(text);
}
