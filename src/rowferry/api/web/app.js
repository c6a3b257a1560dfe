// Shows the page that the address names after its #, and leaves the one before.

import { announce } from './dom.js';
import { problemNotice } from './parts.js';
import { loadPage } from './load_page.js';
import { tablesPage } from './tables_page.js';
import { backupsPage } from './backups_page.js';
import { reportsPage } from './reports_page.js';
import { historyPage } from './history_page.js';

const PAGES = {
  load: ['Load', loadPage],
  tables: ['Tables', tablesPage],
  backups: ['Backups', backupsPage],
  reports: ['Reports', reportsPage],
  history: ['History', historyPage],
};

const main = document.getElementById('main');
let leaving = new AbortController();
let first = true;

function show() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [name, ...parts] = path.split('/').map(decodeSafely);
  const [title, page] = PAGES[name] ?? PAGES.load;
  leaving.abort();
  leaving = new AbortController();
  mark(PAGES[name] ? name : 'load');
  document.title = `${title} · Rowferry`;
  let shown;
  try {
    shown = page(parts, new URLSearchParams(query), leaving.signal);
  } catch (error) {
    shown = problemNotice(error);
  }
  main.replaceChildren(shown);
  if (!first) {
    main.focus({ preventScroll: true });
    scrollTo(0, 0);
    announce(title);
  }
  first = false;
}

function mark(name) {
  for (const link of document.querySelectorAll('.bar nav a')) {
    if (link.getAttribute('href') === `#/${name}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function decodeSafely(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});
addEventListener('hashchange', show);
show();
