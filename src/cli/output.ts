import type { CommonOptions } from './program.ts';

/** Prints rows: JSON, one array, with `--json`; else aligned columns. */
export function printRows(
  rows: readonly Readonly<Record<string, unknown>>[],
  columns: readonly string[],
  options: CommonOptions,
): void {
  if (options.json === true) {
    print(JSON.stringify(rows, jsonValue, 2));
    return;
  }
  const cells = rows.map((row) => columns.map((column) => cellOf(row[column])));
  const widths = columns.map((column, index) =>
    Math.max(column.length, ...cells.map((row) => row[index]?.length ?? 0)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, index) => cell.padEnd(widths[index] ?? 0))
      .join('  ')
      .trimEnd();
  print(line(columns));
  for (const row of cells) print(line(row));
}

/** Prints one thing: JSON with `--json`; else a line for each field. */
export function printRecord(record: Readonly<Record<string, unknown>>, options: CommonOptions): void {
  if (options.json === true) {
    print(JSON.stringify(record, jsonValue, 2));
    return;
  }
  const width = Math.max(...Object.keys(record).map((key) => key.length));
  for (const [key, value] of Object.entries(record)) print(`${key.padEnd(width)}  ${cellOf(value)}`);
}

export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Epoch milliseconds as people read them; null stays empty. */
export const timeText = (at: number | null): string => (at === null ? '' : new Date(at).toISOString());

const cellOf = (value: unknown): string => {
  if (value === null || value === undefined) return '';
  return typeof value === 'object' ? JSON.stringify(value, jsonValue) : String(value);
};

const jsonValue = (_key: string, value: unknown): unknown => (typeof value === 'bigint' ? String(value) : value);
