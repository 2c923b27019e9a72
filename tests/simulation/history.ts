import type { RecordedEvent } from '../../src/ports/event-store.ts';

/** What happened in a run, in words. */
export interface History {
  step(step: number, nowMs: number, process: string, label: string): void;
  event(event: RecordedEvent): void;
  note(who: string, line: string): void;
  fields(who: string, line: string, fields: object): void;
  readonly lines: readonly string[];
}

/** Keeps nothing unless it is asked to: most runs are never looked at. */
export function createHistory(kept: boolean): History {
  const lines: string[] = [];
  const names = new Map<string, string>();
  let at = '';

  /** Ids as people can tell them apart: `volume 3f2a9c1d`. */
  const short = (text: string): string =>
    text.replaceAll(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, (id) => {
      const name = names.get(id) ?? id.slice(0, 8);
      names.set(id, name);
      return name;
    });

  const add = (who: string, line: string): void => {
    if (kept) lines.push(short(`${at} ${who.padEnd(12)} ${line}`));
  };

  return {
    lines,
    step: (step, nowMs, process, label) => {
      if (!kept) return;
      at = `${String(step).padStart(6)} ${(nowMs / 1000).toFixed(3).padStart(9)}s`;
      if (!label.startsWith('timer')) add(process, label);
    },
    event: ({ stream, type, data }) => {
      if (kept) add('LOG', `${type} ${stream} ${JSON.stringify(data)}`);
    },
    note: add,
    fields: (who, line, fields) => {
      if (!kept || line.startsWith('info')) return;
      const { err, ...rest } = fields as { readonly err?: unknown };
      const why = err instanceof Error ? ` ${err.name}: ${err.message}` : '';
      add(
        who,
        `${line}${why} ${JSON.stringify(rest, (_, value) => (typeof value === 'bigint' ? String(value) : value))}`,
      );
    },
  };
}
