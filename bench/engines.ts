/**
 * Over the engines: how fast volumes are accepted, become available and are gone, and how fast all read models are rebuilt
 * from EventStoreDB into MongoDB. The log is what SCORIA_TEST_EVENTSTOREDB names, else Scoria's own server of its protocol;
 * the database what SCORIA_TEST_MONGODB names, else the stand-in; each in a process of its own, as the server is.
 * Usage: node bench/engines.ts [--short]
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../src/adapters/system/clock.ts';
import { allProjections } from '../src/projections/all.ts';
import { openEventStoreEngine, openReadStoreEngine } from '../src/server/stores.ts';
import { type MongoDatabase, startMongoDatabase, whyNoMongo } from '../tests/crash/mongo-server.ts';
import { reservedPort } from '../tests/engines/reserved-port.ts';
import { type Figure, figureOf, isShort, print, rounded } from './figures.ts';
import { fillReadStore } from './filling.ts';
import { type Measured, runLoad } from './load.ts';
import { type ServerProcess, withDirectory, withServer } from './server-process.ts';
import { seedVolumes } from './volume-life.ts';

const EVENTS = isShort ? 5_000 : 50_000;
const REBUILD_BATCH = 2_000;
const ONE_BY_ONE = isShort ? 50 : 200;
const MANY = isShort ? 300 : 2_000;
const CONNECTIONS = 16;

const named = process.env.SCORIA_TEST_EVENTSTOREDB || null;

/** Runs `work` on a log of this directory's own; where a server is named, on that one, whatever it holds. */
async function withLog<T>(directory: string, work: (connection: string) => Promise<T>): Promise<T> {
  if (named !== null) return work(named);
  mkdirSync(directory, { recursive: true });
  const port = await reservedPort();
  const config = { roles: ['eventstore'], eventStoreServer: { port } };
  return withServer(directory, () => work(`esdb://127.0.0.1:${port}?tls=false`), { config });
}

const accepted = (what: string, { perSecond, p50Ms, p99Ms }: Measured): Figure => ({
  what,
  per_second: rounded(perSecond),
  p50_ms: rounded(p50Ms),
  p99_ms: rounded(p99Ms),
});

const sustained = (what: string, { requests, elapsedMs }: Measured): Figure => ({
  what,
  per_second: rounded((requests / elapsedMs) * 1_000),
});

async function measureVolumes({ url }: ServerProcess): Promise<void> {
  const create = (count: number, connections: number, wait: boolean) =>
    runLoad({ kind: 'create', url, count, connections, wait });
  // the first hundreds find everything cold
  const warm = await create(MANY / 4, CONNECTIONS, true);
  const single = await create(ONE_BY_ONE, 1, true);
  print(figureOf('engines: create to available, one at a time', single.durationsMs, single.elapsedMs));
  const many = await create(MANY, CONNECTIONS, false);
  print(accepted(`engines: create accepted, ${CONNECTIONS} at a time`, many));
  print(sustained(`engines: create to available, sustained, accepted ${CONNECTIONS} at a time`, many));
  const ids = [...warm.ids, ...single.ids, ...many.ids];
  const gone = await runLoad({ kind: 'delete', url, ids, connections: CONNECTIONS, wait: false });
  print(accepted(`engines: delete accepted, ${CONNECTIONS} at a time`, gone));
  print(sustained(`engines: delete to gone, sustained, accepted ${CONNECTIONS} at a time`, gone));
}

async function measureRebuild(connection: string, mongo: MongoDatabase): Promise<void> {
  const eventStore = await openEventStoreEngine(connection);
  const readStore = await openReadStoreEngine(mongo.url, systemClock);
  try {
    const seedingAt = performance.now();
    const events = await seedVolumes(eventStore, EVENTS);
    const perSecond = (events / (performance.now() - seedingAt)) * 1_000;
    print({ what: 'engines: events seeded, 256 volumes side by side', per_second: rounded(perSecond) });
    const filled = await fillReadStore({ eventStore, readStore }, allProjections, events, REBUILD_BATCH);
    print({
      what: `engines: rebuild of all read models from ${events} events`,
      per_second: rounded(filled.perSecond),
      processor_ms: rounded(filled.cpuUs / 1_000),
      note: mongo.what,
    });
  } finally {
    await readStore.close();
    await eventStore.close();
  }
}

async function withMongo(name: string, work: (mongo: MongoDatabase) => Promise<void>): Promise<void> {
  const mongo = await startMongoDatabase(name);
  try {
    await work(mongo);
  } finally {
    await mongo.end();
  }
}

async function run(directory: string): Promise<void> {
  await withLog(join(directory, 'log'), (eventStore) =>
    withMongo('scoria_bench_volumes', async (mongo) => {
      const config = { eventStore, readStore: mongo.url };
      await withServer(join(directory, 'server'), measureVolumes, { config });
    }),
  );
  await withLog(join(directory, 'log-to-rebuild-from'), (connection) =>
    withMongo('scoria_bench_rebuild', (mongo) => measureRebuild(connection, mongo)),
  );
}

const reason = whyNoMongo();
if (reason === null) await withDirectory(run);
else print({ what: 'engines: skipped', note: reason });
