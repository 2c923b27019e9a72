import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { backendDirectory, type Config } from '../../src/config.ts';
import type { EventStore, Position, RecordedEvent } from '../../src/ports/event-store.ts';
import { besideServer } from '../crash/beside-server.ts';

/**
 * What requests may leave behind. Every ledger, every resource and every reservation is in the log, so that no new event
 * means no change of any of them; what is outside it is the files of the backends.
 */
export interface Mark {
  readonly position: Position | null;
  readonly files: readonly string[];
}

export interface Traces {
  /** Events of refusals: notes of what was refused. */
  readonly refusals: readonly RecordedEvent[];
  readonly others: readonly RecordedEvent[];
  /** Backend files that came, went or changed. */
  readonly files: readonly string[];
}

/** Notes of refusals are written off the answer's path. */
const NOTES_WITHIN_MS = 300;

export const markOf = (config: Config): Promise<Mark> =>
  besideServer(config, async ({ eventStore }) => ({ position: await endOf(eventStore), files: filesOf(config) }));

/** Everything that has come since the mark. */
export async function tracesSince(config: Config, mark: Mark): Promise<Traces> {
  await sleep(NOTES_WITHIN_MS);
  const events = await besideServer(config, async ({ eventStore }) => {
    const found: RecordedEvent[] = [];
    for await (const event of eventStore.readAll(mark.position === null ? {} : { after: mark.position }))
      found.push(event);
    return found;
  });
  const files = filesOf(config);
  const changed = [
    ...mark.files.filter((file) => !files.includes(file)).map((file) => `was ${file}`),
    ...files.filter((file) => !mark.files.includes(file)).map((file) => `is ${file}`),
  ];
  const isRefusal = ({ stream }: RecordedEvent): boolean => stream.startsWith('refusals-');
  return {
    refusals: events.filter(isRefusal),
    others: events.filter((event) => !isRefusal(event)),
    files: changed,
  };
}

async function endOf(eventStore: EventStore): Promise<Position | null> {
  for await (const { position } of eventStore.readAll({ direction: 'backwards', limit: 1 })) return position;
  return null;
}

/** Each file of each backend with its size. */
function filesOf(config: Config): readonly string[] {
  return config.storage.backends.flatMap((backend) => {
    const folder = backendDirectory(config, backend);
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .map((file) => `${file} of ${statSync(file).size} bytes`);
  });
}
