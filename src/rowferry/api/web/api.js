// Asks the public API, the same that every other client has; each refusal becomes a Problem with its hint.

export class Problem extends Error {
  constructor(problem) {
    super(problem.detail);
    Object.assign(this, { code: '', hint: '', errors: [] }, problem);
  }
}

const UNREACHED = {
  code: 'page.unreached',
  detail: 'The service cannot be reached',
  hint: 'Check that it is running and that the network is up, then try again.',
};

export async function ask(path, { method = 'GET', headers = {}, signal } = {}) {
  const response = await send(path, { method, signal, headers: { Accept: 'application/json', ...headers } });
  return response.status === 204 ? null : parse(await response.text());
}

export async function send(path, options) {
  let response;
  try {
    response = await fetch(path, options);
  } catch (error) {
    throw error.name === 'AbortError' ? error : new Problem(UNREACHED);
  }
  if (!response.ok) throw problemOf(response.status, await response.text());
  return response;
}

// Sends a file and tells how much of it has been sent, which fetch cannot.
export function upload(path, file, { headers = {}, onprogress = () => {} } = {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.addEventListener('progress', (event) => onprogress(event.loaded, event.total));
    request.addEventListener('error', () => reject(new Problem(UNREACHED)));
    request.addEventListener('load', () => {
      if (request.status >= 400) reject(problemOf(request.status, request.responseText));
      else resolve(parse(request.responseText));
    });
    const form = new FormData();
    form.append('file', file, file.name);
    request.send(form);
  });
}

export async function download(path, accept, name) {
  const response = await send(path, { headers: { Accept: accept } });
  const url = URL.createObjectURL(await response.blob());
  const link = Object.assign(document.createElement('a'), { href: url, download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

function problemOf(status, text) {
  try {
    return new Problem(JSON.parse(text));
  } catch {
    return new Problem({ status, detail: `The service answered with status ${status}`, hint: 'Try again in a moment.' });
  }
}

// Whole numbers of 64 bits are more than a number of JavaScript holds: they stay the text they came as.
function parse(text) {
  return JSON.parse(text, (_key, value, context) =>
    typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value) && context?.source
      ? context.source
      : value,
  );
}
