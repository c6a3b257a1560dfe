// Makes elements. Whatever comes from a file or from the API becomes text, never markup.

const PROPERTIES = new Set(['value', 'checked', 'disabled', 'max']);

export function el(name, properties = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (PROPERTIES.has(key)) element[key] = value;
    else element.setAttribute(key, value === true ? '' : value);
  }
  element.append(...present(children));
  return element;
}

export function fill(parent, ...children) {
  parent.replaceChildren(...present(children));
  return parent;
}

function present(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false);
}

const spoken = el('div', { class: 'unseen', role: 'status', 'aria-live': 'polite' });
document.body.append(spoken);

// Tells those who cannot see the page what has just happened on it.
export function announce(text) {
  spoken.textContent = text;
}
