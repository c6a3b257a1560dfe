// What the pages are made of: notices, tables, buttons, badges.

import { el, announce } from './dom.js';
import { number } from './format.js';

export function notice(kind, ...children) {
  return el('div', { class: `notice ${kind}`, role: kind === 'wrong' ? 'alert' : null }, children);
}

// What went wrong, in the words of the API, and what to do about it.
export function problemNotice(error) {
  if (error.name === 'AbortError') return null;
  const found = error.errors?.length > 1 ? error.errors : [];
  return notice(
    'wrong',
    el('strong', {}, `${error.message.replace(/\.$/, '')}.`),
    error.hint && el('p', {}, error.hint),
    found.length > 0 && el('ul', {}, found.map((fault) => el('li', {}, `${fault.location}: ${fault.message}`))),
    error.code && el('p', { class: 'soft small' }, error.code),
  );
}

// What to know of tables or files, although nothing was refused for it; loads of before had no notes.
export function notes(tables, named) {
  const items = tables.flatMap((table) => (table.notes ?? []).map((note) => el('li', {}, `${table[named]}: ${note}.`)));
  return items.length > 0 && el('ul', { class: 'notes', 'aria-label': 'Notes' }, items);
}

export function emptyState(title, text, ...actions) {
  return el('div', { class: 'empty' }, el('h2', {}, title), el('p', {}, text), actions);
}

export function button(text, onclick, properties = {}) {
  return el('button', { type: 'button', onclick, ...properties }, text);
}

// A button that cannot be pressed again while what it does is under way; problems are shown in `place`.
export function working(text, work, place, properties = {}) {
  const made = button(
    text,
    async () => {
      made.disabled = true;
      made.setAttribute('aria-busy', 'true');
      place.replaceChildren();
      try {
        await work();
      } catch (error) {
        const message = problemNotice(error);
        if (message) place.append(message);
      } finally {
        made.removeAttribute('aria-busy');
        made.disabled = false;
      }
    },
    properties,
  );
  return made;
}

// A table that scrolls within itself; a column is its title, and whether it holds numbers.
export function grid(label, columns, rows, properties = {}) {
  const heads = columns.map(({ title, numeric }) => el('th', { scope: 'col', class: numeric && 'number' }, title));
  const body = rows.map((cells) =>
    el('tr', {}, cells.map((value, at) => el('td', { class: columns[at].numeric && 'number', 'data-title': columns[at].title }, el('div', {}, shown(value, columns[at]))))),
  );
  const table = el('table', {}, el('thead', {}, el('tr', {}, heads)), el('tbody', {}, body));
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': label, ...properties }, table);
}

function shown(value, { numeric }) {
  return numeric && typeof value === 'number' ? number(value) : value;
}

const TONES = { done: 'good', good: 'good', running: 'busy', failed: 'wrong', damaged: 'wrong', interrupted: 'wrong', refused: 'warn' };

export function badge(text) {
  return el('span', { class: `badge ${TONES[text] ?? ''}` }, text);
}

export function figure(label, value, tone = '') {
  return el('div', { class: `figure ${tone}` }, el('dt', {}, label), el('dd', {}, typeof value === 'number' ? number(value) : value));
}

// Shows that something is awaited, but only if it takes long enough to be noticed.
export function waiting(text = 'Loading …') {
  return el('p', { class: 'waiting soft' }, text);
}

// Puts what a promise gives into a place, or what went wrong.
export async function into(place, promise) {
  place.replaceChildren(waiting());
  try {
    place.replaceChildren(...[await promise].flat());
  } catch (error) {
    const message = problemNotice(error);
    if (message) place.replaceChildren(message);
  }
}

// A choice of one of few, as links to the page of each.
export function tabs(label, choices, chosen) {
  return el(
    'nav',
    { class: 'tabs', 'aria-label': label },
    choices.map(([text, href, name]) => el('a', { href, 'aria-current': name === chosen ? 'page' : null }, text)),
  );
}

// The pages of a list of the API, one below the other, with a button for the next.
export function pager(first, fetchPage, draw) {
  const place = el('div', { class: 'stack' });
  const message = el('div');
  const more = working(
    'Show more',
    async () => {
      const page = await fetchPage(more.next);
      items.push(...page.items);
      show(page.next);
      announce(`${items.length} shown`);
    },
    message,
    { class: 'quiet' },
  );
  const items = [...first.items];
  const show = (next) => {
    more.next = next;
    more.hidden = !next;
    place.replaceChildren(draw(items), message, more);
  };
  show(first.next);
  return place;
}

// The path of a URL that the API gave, whatever host it names.
export function pathOf(url) {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
}
