import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EventStore } from '../../../src/ports/event-store.ts';
import {
  anEvent,
  collect,
  deliveriesUntil,
  events,
  eventsOf,
  numbersOf,
  ownStreams,
  range,
} from '../../contracts/event-store-fixtures.ts';
import { type ClusterFixture, SHORT, startCluster } from './cluster-fixture.ts';

const QUICK = '&discoveryInterval=20&maxDiscoverAttempts=200&gossipTimeout=1';

describe('a cluster of EventStoreDB', () => {
  let fixture: ClusterFixture;
  let store: EventStore;
  const own = ownStreams();

  beforeEach(async () => {
    fixture = await startCluster({ size: 3 });
    store = await fixture.open(QUICK);
  });
  afterEach(async () => {
    await fixture.stop();
    expect(fixture.uncaught).toEqual([]);
  });

  const nodeAt = (n: number) => {
    const node = fixture.cluster.nodes[n];
    if (node === undefined) throw new Error(`there is no node ${n}`);
    return node;
  };
  /** The leader is killed; a while later another one leads. */
  const failOver = async (from: number, to: number): Promise<void> => {
    nodeAt(from).die();
    await sleep(150);
    fixture.cluster.leader = to;
  };

  it('is found through any of its nodes, and its leader is asked', async () => {
    fixture.cluster.leader = 2;
    const found = await fixture.open(QUICK);
    await found.append(own.stream(), 'no-stream', events(1));
    expect(nodeAt(2).appends).toEqual(['no-stream']);
    expect([...nodeAt(0).appends, ...nodeAt(1).appends]).toEqual([]);
  });

  it('goes on when its leader is killed with much in flight: nothing is lost, nothing doubled, nothing conflicts', async () => {
    const names = range(1, 64).map(() => own.stream());
    await Promise.all(names.map((name) => store.append(name, 'no-stream', [anEvent({ n: 0 })])));
    const writing = names.map(async (name) => {
      for (const n of range(1, 6)) await store.append(name, BigInt(n - 1), [anEvent({ n })]);
    });
    await sleep(40);
    await failOver(0, 1);
    await Promise.all(writing);
    for (const name of names) expect(numbersOf(await collect(store.readStream(name)))).toEqual(range(0, 6));
    expect(nodeAt(1).appends.length).toBeGreaterThan(0);
  });

  it('is subscribed to without a gap across a change of leader', async () => {
    const stop = new AbortController();
    const name = own.stream();
    await store.append(name, 'no-stream', events(1));
    const deliveries = deliveriesUntil(
      store.subscribe({ after: null, streams: own.streams, signal: stop.signal }),
      (seen) => numbersOf(eventsOf(seen)).includes('last'),
    );
    for (const n of range(1, 10)) await store.append(name, BigInt(n - 1), [anEvent({ n })]);
    await failOver(0, 2);
    for (const n of range(11, 20)) await store.append(name, BigInt(n - 1), [anEvent({ n })]);
    await store.append(name, 20n, [anEvent({ n: 'last' })]);
    expect(numbersOf(eventsOf(await deliveries))).toEqual([...range(0, 20), 'last']);
    stop.abort();
  });

  it('tells a former leader’s client who leads: appends and reads move there', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(1));
    fixture.cluster.leader = 1;
    nodeAt(0).plantAppends('not-leader');
    await store.append(name, 0n, events(1));
    expect(nodeAt(1).appends).toEqual(['0']);
    fixture.cluster.leader = 2;
    nodeAt(1).plantReads('not-leader');
    expect(await collect(store.readStream(name))).toHaveLength(2);
    await store.append(name, 1n, events(1));
    expect(nodeAt(2).appends).toEqual(['1']);
  });

  it('that was not found at first is found later: a client that gave up is not kept', async () => {
    const impatient = await fixture.open('&discoveryInterval=10&maxDiscoverAttempts=2&gossipTimeout=1', {
      ...SHORT,
      appendPatienceMs: 300,
      readPatienceMs: 300,
    });
    for (const node of fixture.cluster.nodes) node.die();
    await impatient.append(own.stream(), 'no-stream', events(1)).catch(() => undefined);
    await expect(impatient.append(own.stream(), 'no-stream', events(1))).rejects.toMatchObject({ outcome: 'not-done' });
    await expect(collect(impatient.readStream(own.stream()))).rejects.toMatchObject({ name: 'StoreUnavailable' });
    for (const node of fixture.cluster.nodes) await node.revive();
    const name = own.stream();
    await impatient.append(name, 'no-stream', events(1));
    expect(await collect(impatient.readStream(name))).toHaveLength(1);
  });

  it('without a quorum answers late and not at all; once it has one, what was sent is stored once', async () => {
    const name = own.stream();
    nodeAt(0).plantAppends('stored-but-timed-out', 'not-ready', 'not-ready', 'stored-but-timed-out');
    const result = await store.append(name, 'no-stream', events(2));
    expect(result.revision).toBe(1n);
    expect(await collect(store.readStream(name))).toHaveLength(2);
  });

  it('with a leader that hangs is left for its successor when the own time is over', async () => {
    const name = own.stream();
    await store.append(name, 'no-stream', events(1));
    nodeAt(0).plantAppends('silent');
    const appending = store.append(name, 0n, events(1));
    await sleep(100);
    fixture.cluster.leader = 1;
    expect((await appending).revision).toBe(1n);
    expect(nodeAt(1).appends).toEqual(['0']);
  });
});
