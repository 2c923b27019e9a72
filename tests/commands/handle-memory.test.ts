import { describe, expect, it } from 'vitest';
import { type CommandHandler, type CommandHandlerOptions, createCommandHandler } from '../../src/commands/handle.ts';
import { type CounterCommand, contextOf, counterAggregate, ledgerAggregate, stillClock } from './counter.ts';
import { createMemoryEventStore, type MemoryEventStore } from './memory-event-store.ts';

const STREAM = 'counter-1';

const handlerOn = (eventStore: MemoryEventStore, more: Partial<CommandHandlerOptions> = {}): CommandHandler =>
  createCommandHandler({ eventStore, clock: stillClock(), random: () => 0, ...more });

const add = (by: number, more: { times?: number; limit?: number } = {}): CounterCommand => ({
  type: 'Add',
  by,
  ...more,
});

const send = (handler: CommandHandler, commandId: string, command: CounterCommand, requestHash?: string) =>
  handler.handle(
    counterAggregate,
    STREAM,
    command,
    contextOf(commandId, requestHash === undefined ? {} : { requestHash }),
  );

describe('the books of a ledger', () => {
  const charge = (handler: CommandHandler, id: string, times = 1) =>
    handler.handle(ledgerAggregate, STREAM, add(1, { times }), contextOf(id));

  it('are closed after 500 events, and a cold load starts there', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    for (let n = 0; n < 5; n += 1) await charge(handler, `c${n}`, 120);
    const closings = store.eventsOf(STREAM).filter(({ type }) => type === 'CounterClosed');
    expect(closings).toMatchObject([{ revision: 600n, data: { total: 600 } }]);
    const cold = handlerOn(store);
    expect(await cold.load(ledgerAggregate, STREAM)).toMatchObject({ state: 600, revision: 600n });
    expect(await charge(cold, 'c9')).toMatchObject({ kind: 'accepted', state: 601 });
    expect(await handler.load(ledgerAggregate, STREAM)).toMatchObject({ state: 601 });
  });

  it('are never more than 1,000 events apart, whatever arrives at once', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    await Promise.all(Array.from({ length: 3_000 }, (_, n) => charge(handler, `c${n}`)));
    const revisions = store
      .eventsOf(STREAM)
      .filter(({ type }) => type === 'CounterClosed')
      .map(({ revision }) => revision);
    const gaps = [-1n, ...revisions].map((from, index) => Number((revisions[index] ?? 3_000n) - from));
    expect(Math.max(...gaps)).toBeLessThan(1_000);
    expect((await handlerOn(store).load(ledgerAggregate, STREAM)).state).toBe(3_000);
  });

  it('give the command that closed them its own events only when it is repeated', async () => {
    const store = createMemoryEventStore();
    await charge(handlerOn(store), 'c1', 500);
    const [here, cold] = [handlerOn(store), handlerOn(store)];
    await here.load(ledgerAggregate, STREAM);
    expect(store.eventsOf(STREAM)).toHaveLength(501);
    expect(await charge(cold, 'c2')).toMatchObject({ state: 501 });
    const again = await charge(handlerOn(store), 'c2');
    expect(again).toMatchObject({ kind: 'accepted', events: [{ type: 'Added' }] });
  });
});

describe('what is kept in memory', () => {
  it('is the folded state of the streams used last', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store, { cachedStreams: 2, exclusive: true });
    for (const stream of ['a', 'b', 'c', 'a', 'd', 'e']) {
      await handler.handle(counterAggregate, stream, add(1), contextOf(`${stream}-${store.events.length}`));
    }
    const reads = store.calls.readStream;
    await handler.load(counterAggregate, 'd');
    await handler.load(counterAggregate, 'e');
    expect(store.calls.readStream).toBe(reads);
    await handler.load(counterAggregate, 'b');
    expect(store.calls.readStream).toBe(reads + 1);
  });

  it('is not looked for where the stream is known to be new', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store, { exclusive: true });
    const outcome = await handler.handle(counterAggregate, STREAM, add(1), contextOf('c1'), { isNew: true });
    expect(outcome).toMatchObject({ kind: 'accepted', state: 1 });
    expect(store.calls.readStream).toBe(0);
  });

  it.each([true, false])('is found out where a stream is not as new as was thought (alone: %s)', async (exclusive) => {
    const store = createMemoryEventStore();
    await send(handlerOn(store), 'c1', add(5));
    const handler = handlerOn(store, { exclusive });
    const refused = await handler.handle(counterAggregate, STREAM, add(5, { limit: 6 }), contextOf('c2'), {
      isNew: true,
    });
    expect(refused.kind).toBe('rejected');
    const other = handlerOn(store, { exclusive });
    const added = await other.handle(counterAggregate, STREAM, add(1), contextOf('c3'), { isNew: true });
    expect(added).toMatchObject({ kind: 'accepted', state: 6 });
    const again = await handlerOn(store, { exclusive }).handle(counterAggregate, STREAM, add(1), contextOf('c3'), {
      isNew: true,
    });
    expect(again).toMatchObject({ kind: 'accepted', state: 6 });
    expect(store.eventsOf(STREAM)).toHaveLength(2);
  });

  it('is never replaced by what a slow reading saw before', async () => {
    const store = createMemoryEventStore();
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let slow = true;
    const readStream: MemoryEventStore['readStream'] = async function* (stream, options) {
      const seen = [...store.eventsOf(stream)];
      if (slow) {
        slow = false;
        await held;
        yield* seen;
      } else yield* store.readStream(stream, options);
    };
    const handler = handlerOn({ ...store, readStream }, { exclusive: true });
    const before = handler.load(counterAggregate, STREAM);
    await send(handler, 'c1', add(1));
    release();
    expect((await before).state).toBe(0);
    expect((await handler.load(counterAggregate, STREAM)).state).toBe(1);
  });

  it('is read anew when the log is not what was seen of it', async () => {
    const [full, restored] = [createMemoryEventStore(), createMemoryEventStore()];
    let store = full;
    const handler = handlerOn({
      ...full,
      append: (...args) => store.append(...args),
      readStream: (...args) => store.readStream(...args),
    });
    await send(handlerOn(restored), 'c1', add(1));
    await send(handler, 'c1', add(1));
    await send(handler, 'c2', add(1));
    store = restored;
    expect(await send(handler, 'c3', add(5))).toMatchObject({ kind: 'accepted', state: 6 });
  });

  it('forgets the oldest of more than a thousand commands of a stream', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store, { exclusive: true });
    await Promise.all(Array.from({ length: 1_200 }, (_, n) => send(handler, `c${n}`, add(1))));
    expect(await send(handler, 'c1199', add(1))).toMatchObject({ state: 1_200 });
    expect(await send(handler, 'c0', add(1))).toMatchObject({ state: 1_201 });
  });
});
