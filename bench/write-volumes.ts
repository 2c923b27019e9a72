/**
 * How fast volumes are accepted, become available and are gone, and the share of the bare appending of the same events.
 * Usage: node bench/write-volumes.ts [--short]
 */
import { join } from 'node:path';
import { bareAppends } from './bare-appends.ts';
import { type Figure, figureOf, isShort, print, rounded } from './figures.ts';
import { type Measured, runLoad } from './load.ts';
import { withDirectory, withServer } from './server-process.ts';

const MANY = isShort ? 2_000 : 10_000;
const ONE_BY_ONE = isShort ? 200 : 500;
const CONNECTIONS = 16;

/** Rate until the server had done its part, latency until the answer. */
const sustained = (what: string, { requests, elapsedMs, p50Ms, p99Ms }: Measured): Figure => ({
  what,
  per_second: rounded((requests / elapsedMs) * 1_000),
  p50_ms: rounded(p50Ms),
  p99_ms: rounded(p99Ms),
});

const accepted = (what: string, { perSecond, p50Ms, p99Ms }: Measured): Figure => ({
  what,
  per_second: rounded(perSecond),
  p50_ms: rounded(p50Ms),
  p99_ms: rounded(p99Ms),
});

await withDirectory(async (directory) => {
  const rates = { accepted: 0, available: 0, gone: 0 };
  await withServer(directory, async (server) => {
    const { url } = server;
    /** What `work` costs the server's processor for each of what it measured. */
    const costing = async (work: Promise<Measured>): Promise<Measured & { readonly processorMs: number }> => {
      const before = server.processorMs();
      const measured = await work;
      return { ...measured, processorMs: (server.processorMs() - before) / measured.requests };
    };
    const create = (count: number, connections: number, wait: boolean) =>
      runLoad({ kind: 'create', url, count, connections, wait });
    // the first hundreds find everything cold
    const warm = await create(500, CONNECTIONS, true);
    const single = await create(ONE_BY_ONE, 1, true);
    print(figureOf('create to available, one at a time', single.durationsMs, single.elapsedMs));
    const waiting = await create(MANY / 2, CONNECTIONS, true);
    print(accepted(`create to available, ${CONNECTIONS} that each wait for theirs`, waiting));
    const many = await costing(create(MANY, CONNECTIONS, false));
    const first = accepted(`create accepted, ${CONNECTIONS} at a time`, many);
    const all = sustained(`create to available, sustained, accepted ${CONNECTIONS} at a time`, many);
    rates.accepted = first.per_second ?? 0;
    rates.available = all.per_second ?? 0;
    print(first);
    print({ ...all, processor_ms: rounded(many.processorMs) });
    const remove = (ids: readonly string[], connections: number, wait: boolean) =>
      runLoad({ kind: 'delete', url, ids, connections, wait });
    const singleDelete = await remove(single.ids, 1, true);
    print(figureOf('delete to gone, one at a time', singleDelete.durationsMs, singleDelete.elapsedMs));
    const waitingDelete = await remove(waiting.ids, CONNECTIONS, true);
    print(accepted(`delete to gone, ${CONNECTIONS} that each wait for theirs`, waitingDelete));
    const gone = await costing(remove([...warm.ids, ...many.ids], CONNECTIONS, false));
    print(accepted(`delete accepted, ${CONNECTIONS} at a time`, gone));
    const allGone = sustained(`delete to gone, sustained, accepted ${CONNECTIONS} at a time`, gone);
    rates.gone = allGone.per_second ?? 0;
    print({ ...allGone, processor_ms: rounded(gone.processorMs) });
  });
  const log = join(directory, 'data', 'events.db');
  const bare = await bareAppends(log, join(directory, 'bare'), CONNECTIONS, isShort ? 1_000 : 4_000);
  for (const [what, { perSecond, p50Ms, events, appends }] of Object.entries(bare)) {
    const note = `${events} events in ${appends} appends each`;
    print({
      what: `bare appends of a ${what}, ${CONNECTIONS} at a time`,
      per_second: rounded(perSecond),
      p50_ms: rounded(p50Ms),
      note,
    });
  }
  const yardstick = 'event store alone, same events and appends';
  print({
    what: 'create accepted against bare appends',
    ratio: rounded(rates.accepted / bare['create accepted'].perSecond),
    yardstick,
  });
  print({
    what: 'create to available against bare appends',
    ratio: rounded(rates.available / bare.create.perSecond),
    yardstick,
  });
  print({ what: 'delete to gone against bare appends', ratio: rounded(rates.gone / bare.delete.perSecond), yardstick });
});
