// How numbers, sizes, spans and instants are shown to people.

import { el } from './dom.js';

const grouped = new Intl.NumberFormat();
const short = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const local = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

export function number(value) {
  return typeof value === 'number' ? grouped.format(value) : String(value);
}

export function count(value, singular, plural = `${singular}s`) {
  return `${number(value)} ${value === 1 ? singular : plural}`;
}

export function bytes(value) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  const power = Math.min(value > 0 ? Math.floor(Math.log10(value) / 3) : 0, units.length - 1);
  return `${short.format(value / 1000 ** power)} ${units[power]}`;
}

export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '–';
  if (seconds < 60) return `${short.format(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

// An instant in the reader's zone; in UTC to whoever points at it.
export function instant(text) {
  if (!text) return '–';
  const utc = `${text.replace('T', ' ').replace(/(Z|\+00:00)$/, '')} UTC`;
  return el('time', { datetime: text, title: utc }, local.format(new Date(text)));
}

const relative = new Intl.RelativeTimeFormat(undefined, { numeric: 'auto' });
const UNITS = [['day', 86_400], ['hour', 3_600], ['minute', 60]];

// How long ago an instant was.
export function age(text) {
  const seconds = (Date.now() - new Date(text)) / 1000;
  const [unit, length] = UNITS.find(([, least]) => seconds >= least) ?? ['second', 1];
  return relative.format(-Math.floor(Math.max(seconds, 0) / length), unit);
}

// A value of a row as it stands in its table.
export function cell(value, type) {
  if (value === null) return el('span', { class: 'soft' }, 'none');
  return type === 'datetime' ? instant(value) : String(value);
}
