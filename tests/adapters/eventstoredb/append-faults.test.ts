import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type EventStore, RevisionConflict, StoreUnavailable } from '../../../src/ports/event-store.ts';
import { anEvent, collect, events, numbersOf, ownStreams, range } from '../../contracts/event-store-fixtures.ts';
import { type ClusterFixture, SHORT, startCluster } from './cluster-fixture.ts';
import type { AppendFault } from './planted-node.ts';

/** Rules of what a real server and the client do when a node fails; each fault is planted in a node. */
describe('an append to EventStoreDB', () => {
  let fixture: ClusterFixture;
  let store: EventStore;
  const stream = () => ownStreams().stream();

  beforeEach(async () => {
    fixture = await startCluster();
    store = fixture.store;
  });
  afterEach(async () => {
    await fixture.stop();
    expect(fixture.uncaught).toEqual([]);
  });

  it.each<[string, AppendFault]>([
    ['a server that is not ready', 'not-ready'],
    ['a connection that breaks', 'unavailable'],
    ['a server that stores it and says that it took too long', 'stored-but-timed-out'],
    ['a connection that breaks when it is stored', 'stored-but-broken'],
    ['a server that hangs', 'silent'],
  ])('is sent again, the same, after %s, and stored once', async (_, fault) => {
    const name = stream();
    await store.append(name, 'no-stream', events(2));
    fixture.node.appends.length = 0;
    fixture.node.plantAppends(fault);
    const batch = events(3);
    const result = await store.append(name, 1n, batch);
    expect(result.revision).toBe(4n);
    const stored = await collect(store.readStream(name));
    expect(stored.slice(2).map(({ id }) => id)).toEqual(batch.map(({ id }) => id));
    expect(stored[4]?.position).toBe(result.position);
    expect(fixture.node.appends, 'with the same expected revision').toEqual(['1', '1']);
  });

  it('is sent again as often as it takes', async () => {
    const name = stream();
    fixture.node.plantAppends('stored-but-timed-out', 'not-ready', 'unavailable', 'stored-but-broken', 'not-ready');
    const result = await store.append(name, 'no-stream', events(2));
    expect(result.revision).toBe(1n);
    expect(await collect(store.readStream(name))).toHaveLength(2);
  });

  it('that others were faster than is a conflict, also after a failure of unknown outcome', async () => {
    const name = stream();
    await store.append(name, 'no-stream', events(1));
    const rival = await fixture.open();
    fixture.node.plantAppends('not-ready');
    const [mine, theirs] = await Promise.allSettled([
      store.append(name, 0n, events(1)),
      rival.append(name, 0n, events(1)),
    ]);
    const lost = [mine, theirs].filter((outcome) => outcome.status === 'rejected');
    expect(lost).toHaveLength(1);
    expect(lost[0]?.reason).toBeInstanceOf(RevisionConflict);
  });

  it('in a conflict with a number that lies is refused without it: who reads again sees the stream as it is', async () => {
    const name = stream();
    await store.append(name, 'no-stream', events(2));
    fixture.node.plantAppends('lying-conflict');
    const batch = events(1);
    const refused = store.append(name, 1n, batch);
    await expect(refused).rejects.toThrow(RevisionConflict);
    await expect(refused).rejects.not.toHaveProperty('actualVersion');
    expect(await collect(store.readStream(name))).toHaveLength(2);
    expect((await store.append(name, 1n, batch)).revision, 'the conflicting event is gone').toBe(2n);
  });

  it('that may have been stored when patience ends has an unknown outcome', async () => {
    const hasty = await fixture.open('', { ...SHORT, appendPatienceMs: 300 });
    fixture.node.plantAppends('stored-but-timed-out', ...Array<AppendFault>(100).fill('not-ready'));
    const lost = hasty.append(stream(), 'no-stream', events(1));
    await expect(lost).rejects.toBeInstanceOf(StoreUnavailable);
    await expect(lost).rejects.toMatchObject({ outcome: 'unknown' });
  });

  it('that no server was there for was not done, and the store goes on when there is one again', async () => {
    const hasty = await fixture.open('', { ...SHORT, appendPatienceMs: 400 });
    fixture.node.die();
    // the first call may have been under way in a connection that broke
    await hasty.append(stream(), 'no-stream', events(1)).catch(() => undefined);
    await expect(hasty.append(stream(), 'no-stream', events(1))).rejects.toMatchObject({ outcome: 'not-done' });
    await fixture.node.revive();
    const name = stream();
    await store.append(name, 'no-stream', events(1));
    expect(await collect(store.readStream(name))).toHaveLength(1);
  });

  it('of one store does not suffer from the broken call of another in the same process', async () => {
    const other = await fixture.open();
    const names = [stream(), stream()] as const;
    await store.append(names[0], 'no-stream', events(1));
    await other.append(names[1], 'no-stream', events(1));
    fixture.node.appends.length = 0;
    // one hangs, and while the other store's call breaks it goes on hanging until its own time is over
    fixture.node.plantAppends('silent', 'unavailable');
    const [hung, cut] = [store.append(names[0], 0n, events(1)), other.append(names[1], 0n, events(1))];
    await cut;
    expect(fixture.node.appends, 'only what was cut was sent again').toHaveLength(3);
    await hung;
    expect(fixture.node.appends).toHaveLength(4);
  });

  it('has its bytes counted: what does not fit waits, and nothing is lost when the server dies meanwhile', async () => {
    const text = 'x'.repeat(60_000);
    const names = range(1, 150).map(() => stream());
    const patient = await fixture.open('', { ...SHORT, appendAttemptMs: 5_000, appendPatienceMs: 20_000 });
    const appending = names.map((name) => patient.append(name, 'no-stream', [anEvent({ text })]));
    await sleep(30);
    fixture.node.die();
    await sleep(50);
    await fixture.node.revive();
    expect(await Promise.all(appending)).toHaveLength(150);
    for (const name of names) expect(await collect(patient.readStream(name))).toHaveLength(1);
  });

  it('keeps the order of what is sent without waiting, also as the first thing of a fresh store', async () => {
    const fresh = await fixture.open();
    const name = stream();
    await Promise.all(
      range(0, 99).map((n) => fresh.append(name, n === 0 ? 'no-stream' : BigInt(n - 1), [anEvent({ n })])),
    );
    expect(numbersOf(await collect(fresh.readStream(name)))).toEqual(range(0, 99));
  });

  it('of what is no JSON, to a stream of the server’s own, or of nothing is refused before it is sent', async () => {
    await expect(store.append(stream(), 'no-stream', [anEvent({ n: 1n })])).rejects.toThrow(TypeError);
    await expect(store.append('$all', 'no-stream', events(1))).rejects.toThrow(RangeError);
    await expect(store.append('', 'no-stream', events(1))).rejects.toThrow(RangeError);
    await expect(store.append(stream(), 'no-stream', [])).rejects.toThrow(RangeError);
    expect(fixture.node.appends).toEqual([]);
  });

  it('that is too large for the server is refused at once, and the next one is stored', async () => {
    const name = stream();
    const text = 'x'.repeat(300_000);
    const large = Array.from({ length: 5 }, () => anEvent({ text }));
    await expect(store.append(name, 'no-stream', large)).rejects.toMatchObject({
      type: 'maximum-append-size-exceeded',
    });
    expect(fixture.node.appends).toHaveLength(1);
    await store.append(name, 'no-stream', events(1));
  });

  it('that waits when the store is closed ends', async () => {
    fixture.node.plantAppends('silent');
    const waiting = store.append(stream(), 'no-stream', events(1));
    await sleep(50);
    await store.close();
    await expect(waiting).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'unknown' });
    await expect(store.append(stream(), 'no-stream', events(1))).rejects.toMatchObject({ outcome: 'not-done' });
  });
});
