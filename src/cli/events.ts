import { verifyEventStore } from '../adapters/sqlite/event-store-check.ts';
import { loadConfig, storeFiles } from '../config.ts';
import type { RecordedEvent } from '../ports/event-store.ts';
import { print, printRecord, printRows, timeText } from './output.ts';
import type { CommonOptions } from './program.ts';
import { withProgress } from './progress.ts';
import { existing, withEventStore } from './stores.ts';

interface ListOptions extends CommonOptions {
  readonly stream?: string;
  readonly after?: string;
  readonly limit: number;
  readonly backwards?: boolean;
}

/** `scoria events list`. */
export async function eventsList(options: ListOptions): Promise<void> {
  await withEventStore(options, async (store) => {
    const rows: Record<string, unknown>[] = [];
    const read = store.readAll({
      limit: options.limit,
      direction: options.backwards === true ? 'backwards' : 'forwards',
      ...(options.after === undefined ? {} : { after: BigInt(options.after) }),
      ...(options.stream === undefined ? {} : { streams: { prefixes: [options.stream] } }),
    });
    for await (const event of read) rows.push(options.json === true ? { ...event } : briefly(event));
    printRows(rows, ['position', 'recordedAt', 'stream', 'type', 'actor', 'data'], options);
  });
}

const briefly = (event: RecordedEvent): Record<string, unknown> => ({
  position: event.position,
  recordedAt: timeText(event.recordedAt),
  stream: event.stream,
  type: event.type,
  actor: `${event.metadata.actor.userId}@${event.metadata.actor.projectId}`,
  data: event.data,
});

/** `scoria events show`. */
export async function eventsShow(id: string, options: CommonOptions): Promise<void> {
  await withEventStore(options, async (store) => {
    for await (const event of store.readAll()) {
      if (event.id !== id) continue;
      printRecord({ ...event, recordedAt: timeText(event.recordedAt) }, options);
      return;
    }
    throw new Error(`no event has the id ${id}`);
  });
}

/** `scoria events verify`: exit status 1 when anything is damaged. */
export async function eventsVerify(options: CommonOptions): Promise<void> {
  const file = existing(storeFiles(loadConfig({ file: options.config })).events);
  const report = await withProgress('verified', (onProgress) =>
    verifyEventStore(file, ({ done, total }) => onProgress(done, total)),
  );
  const { damages, ...figures } = report;
  printRecord({ ...figures, damages: damages.length }, options);
  if (damages.length === 0) return;
  for (const { position, what } of damages) print(`position ${position ?? '?'}: ${what}`);
  process.exitCode = 1;
}
