/**
 * How fast all read models are rebuilt from the log, and the share of the bare reading and parsing of the same log:
 * one JSON line per figure. Usage: node bench/rebuild.ts [events]
 * [batch size] [read models to rebuild one by one as well, by comma]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openSqliteEventStore } from '../src/adapters/sqlite/event-store.ts';
import { discardSqliteReadStore, openSqliteReadStore } from '../src/adapters/sqlite/read-store.ts';
import { allProjections } from '../src/projections/all.ts';
import type { Projection } from '../src/projections/projection.ts';
import { print, rounded } from './figures.ts';
import { type Filled, fillReadStore } from './filling.ts';
import { seedVolumes } from './volume-life.ts';

/** Reads every row and parses its two JSON texts, and nothing else. */
function readAndParse(file: string): number {
  const database = new DatabaseSync(file, { readOnly: true, returnArrays: true });
  const startedAt = performance.now();
  let events = 0;
  for (const row of database
    .prepare('SELECT position, stream, id, type, data, metadata FROM events ORDER BY position')
    .iterate()) {
    const [, , , , data, metadata] = row as unknown as readonly [number, string, string, string, string, string];
    JSON.parse(data);
    JSON.parse(metadata);
    events += 1;
  }
  const perSecond = (events / (performance.now() - startedAt)) * 1_000;
  database.close();
  return perSecond;
}

/** Fills a new read store from the log. */
async function fill(
  directory: string,
  projections: readonly Projection[],
  events: number,
  batchSize: number,
): Promise<Filled> {
  const eventStore = await openSqliteEventStore({ file: join(directory, 'events.db') });
  const readStore = await openSqliteReadStore({ file: join(directory, 'read.db') });
  const filled = await fillReadStore({ eventStore, readStore }, projections, events, batchSize);
  await Promise.all([eventStore.close(), readStore.close()]);
  discardSqliteReadStore(join(directory, 'read.db'));
  return filled;
}

async function run(events: number, batchSize: number, oneByOne: readonly string[]): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-bench-rebuild-'));
  try {
    const eventStore = await openSqliteEventStore({ file: join(directory, 'events.db') });
    const seedingAt = performance.now();
    const seeded = await seedVolumes(eventStore, events);
    const seedMs = performance.now() - seedingAt;
    await eventStore.close();
    print({ what: 'events seeded through the event store port', per_second: rounded((seeded / seedMs) * 1_000) });

    const bare = readAndParse(join(directory, 'events.db'));
    print({ what: 'bare read and parse of the log', per_second: rounded(bare) });

    const rebuild = async (what: string, projections: readonly Projection[]): Promise<void> => {
      const { perSecond, cpuUs } = await fill(directory, projections, seeded, batchSize);
      const figures = {
        per_second: rounded(perSecond),
        processor_ms: rounded(cpuUs / 1_000),
        ratio: rounded(perSecond / bare),
      };
      print({ what: `rebuild of ${what} from ${seeded} events`, ...figures });
    };
    for (const name of oneByOne) {
      await rebuild(
        name,
        allProjections.filter(({ collection }) => collection.name === name),
      );
    }
    await rebuild('all read models', allProjections);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

const [events = '50000', batchSize = '2000', names = ''] = process.argv.slice(2);
await run(Number(events), Number(batchSize), names.split(',').filter(Boolean));
