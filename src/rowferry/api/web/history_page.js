// What was done: loads, batches, backups and restores, each with its outcome, the newest first.

import { ask } from './api.js';
import { el } from './dom.js';
import { count, instant, number } from './format.js';
import { badge, emptyState, grid, into, pager, pathOf, tabs } from './parts.js';

const NEWEST = 25;
const STACKED = { class: 'scroll stacked' };

const total = (counts) => Object.values(counts).reduce((sum, rows) => sum + rows, 0);

const KINDS = {
  loads: {
    path: '/loads',
    entry: (load) => ({
      at: load.started_at,
      what: el('a', { href: `#/load/${load.load_id}` }, 'Load'),
      of: load.sources.map((source) => source.name).join(', '),
      outcome: [`${count(load.inserted, 'row')} inserted, `, load.updated > 0 && `${number(load.updated)} updated, `, `${number(load.rejected)} rejected`],
      status: load.status,
      by: load.caller,
    }),
  },
  batches: {
    path: '/batches',
    entry: (batch) => ({
      at: batch.finished_at,
      what: 'Batch',
      of: Object.keys(batch.inserted).join(', '),
      outcome: `${count(total(batch.inserted), 'row')} inserted, ${number(total(batch.updated))} updated, ${number(batch.rejected)} rejected`,
      status: batch.status,
      by: batch.caller,
    }),
  },
  backups: {
    path: '/backups',
    entry: (backup) => ({
      at: backup.created_at,
      what: el('a', { href: '#/backups' }, 'Backup'),
      of: backup.table,
      outcome: `${count(backup.rows, 'row')} saved from ${backup.database}`,
      status: 'done',
      by: '–',
    }),
  },
  restores: {
    path: '/restores',
    entry: (restore) => ({
      at: restore.started_at,
      what: restore.options.dry_run ? 'Restore (dry run)' : 'Restore',
      of: restore.table,
      outcome: restore.error?.message ?? `${number(restore.added)} added, ${number(restore.changed)} changed, ${number(restore.removed)} removed`,
      status: restore.status,
      by: restore.caller,
    }),
  },
};

export function historyPage([kind], _query, signal) {
  const chosen = kind in KINDS ? kind : 'all';
  const place = el('div', { class: 'stack' });
  const choices = [['Everything', '#/history', 'all'], ...Object.keys(KINDS).map((name) => [name[0].toUpperCase() + name.slice(1), `#/history/${name}`, name])];
  into(place, chosen === 'all' ? everything(signal) : one(chosen, signal));
  return el('div', { class: 'stack' }, el('h1', {}, 'History'), tabs('Operations', choices, chosen), place);
}

async function everything(signal) {
  const pages = await Promise.all(Object.entries(KINDS).map(async ([, { path, entry }]) => (await ask(`${path}?limit=${NEWEST}`, { signal })).items.map(entry)));
  const entries = pages.flat().sort((a, b) => (a.at < b.at ? 1 : -1));
  return entries.length > 0 ? [draw(entries), el('p', { class: 'soft' }, `The newest ${NEWEST} of each kind. Choose a kind to see all of them.`)] : nothing();
}

async function one(kind, signal) {
  const { path, entry } = KINDS[kind];
  const first = await ask(`${path}?limit=${NEWEST}`, { signal });
  if (first.items.length === 0) return nothing(kind);
  return pager(first, (next) => ask(pathOf(next), { signal }), (items) => draw(items.map(entry)));
}

function draw(entries) {
  const columns = ['When', 'What', 'Of', 'Outcome', 'Status', 'By'].map((title) => ({ title }));
  return grid('History', columns, entries.map((entry) => [instant(entry.at), entry.what, entry.of, entry.outcome, badge(entry.status), entry.by]), STACKED);
}

function nothing(kind = 'operations') {
  return emptyState(`No ${kind} yet`, 'What you load, back up and restore is listed here, with its outcome.', el('a', { href: '#/load' }, 'Load a file'));
}
