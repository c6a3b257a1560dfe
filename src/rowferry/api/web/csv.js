// Reads and writes CSV as RFC 4180 has it.

// The rows of a response, one by one, as they arrive.
export async function* rowsOf(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  const rows = new Rows();
  try {
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) yield* rows.push(chunk.value);
    yield* rows.end();
  } finally {
    await reader.cancel().catch(() => {});
  }
}

class Rows {
  #cells = [];
  #cell = '';
  #quoted = false;
  #closing = false;

  *push(text) {
    for (const letter of text) {
      if (this.#quoted && !this.#closing) {
        if (letter === '"') this.#closing = true;
        else this.#cell += letter;
      } else if (this.#closing && letter === '"') {
        this.#cell += letter;
        this.#closing = false;
      } else {
        if (this.#closing) this.#quoted = this.#closing = false;
        if (letter === ',') this.#endCell();
        else if (letter === '\n') yield this.#endRow();
        else if (letter === '"') this.#quoted = true;
        else if (letter !== '\r') this.#cell += letter;
      }
    }
  }

  *end() {
    if (this.#cell || this.#cells.length) yield this.#endRow();
  }

  #endCell() {
    this.#cells.push(this.#cell);
    this.#cell = '';
  }

  #endRow() {
    this.#endCell();
    const row = this.#cells;
    this.#cells = [];
    return row;
  }
}

// What Python calls a blank.
const BLANK = '[\\s\\x1c-\\x1f\\x85]';
const BEGINS_A_FORMULA = new RegExp(`^'+${BLANK}*[=+\\-@＝＋－＠\\t\\r\\n]`);
const IS_A_NUMBER = /^'+[+-](?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?$/;

// A cell of a file for spreadsheets as it was, before an apostrophe was put before what would run as a formula.
export function unguarded(cell) {
  return BEGINS_A_FORMULA.test(cell) && !IS_A_NUMBER.test(cell) ? cell.slice(1) : cell;
}

export function csvFile(name, heads, rows) {
  const lines = [heads, ...rows].map((cells) => `${cells.map(quoted).join(',')}\r\n`);
  return new File(lines, name, { type: 'text/csv' });
}

function quoted(cell) {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}
