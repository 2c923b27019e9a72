import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openSqliteCoordination } from '../../src/adapters/sqlite/coordination.ts';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { openSqliteReadStore } from '../../src/adapters/sqlite/read-store.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { createKeepingProcess } from './processes.ts';
import { append } from './recorded.ts';
import { requestOf } from './world.ts';

/** Time that runs faster, so that leases end sooner. */
const TIMES = 5;
const fast: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now() * TIMES,
  sleep: (ms, signal) => sleep(ms / TIMES, undefined, signal === undefined ? {} : { signal }),
};

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadlineMs = performance.now() + 30_000;
  while (!(await holds())) {
    if (performance.now() > deadlineMs) throw new Error('it has not come within 30 s');
    await sleep(20);
  }
}

it('two processes over files: the other goes on where one is dead, and the dead one loses when it comes back', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'scoria-keepers-'));
  const file = (name: string): string => join(directory, name);
  const stores = {
    eventStore: await openSqliteEventStore({ file: file('events.db') }),
    readStore: await openSqliteReadStore({ file: file('read.db') }),
    coordination: await openSqliteCoordination({ file: file('coordination.db'), clock: fast }),
  };
  const [first, second] = [createKeepingProcess('a', stores, fast), createKeepingProcess('b', stores, fast)];
  const create = (id: string) => append(stores.eventStore, `volume-${id}`, requestOf(id));
  const shows = async (...ids: string[]): Promise<boolean> =>
    (await stores.readStore.getMany('volumes', ids)).length === ids.length;
  try {
    await first.keeper.start();
    await second.keeper.start();
    await create('v1');
    await until(() => shows('v1'));
    first.pauseBefore('write');
    await create('v2');
    await until(() => second.keeper.current() !== null);
    await create('v3');
    await until(() => shows('v1', 'v2', 'v3'));
    first.goOn();
    await until(() => first.keeper.current() === null);
    await create('v4');
    await until(() => shows('v4'));
    expect(
      second.keeper
        .current()
        ?.current()
        .filter(({ stopped }) => stopped !== null),
    ).toEqual([]);
    expect(first.log.filter(({ level }) => level === 'error')).toEqual([]);
  } finally {
    first.goOn();
    await Promise.all([first.keeper.stop(), second.keeper.stop()]);
    for (const store of Object.values(stores)) await store.close();
    await rm(directory, { recursive: true });
  }
}, 60_000);
