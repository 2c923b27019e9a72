import { describe, expect, it } from 'vitest';
import {
  type CommandHandler,
  type CommandHandlerOptions,
  createCommandHandler,
  type RefusalSink,
} from '../../src/commands/handle.ts';
import { reject } from '../../src/domain/kernel/rejection.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import { type CounterCommand, contextOf, counterAggregate, stillClock } from './counter.ts';
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

describe('sending a command', () => {
  it('appends what was decided, with who asked beside it', async () => {
    const store = createMemoryEventStore();
    const context = contextOf('c1', { origin: '::1', traceparent: '00-1', requestHash: 'h' });
    const outcome = await handlerOn(store).handle(counterAggregate, STREAM, add(2), context);
    expect(outcome).toMatchObject({ kind: 'accepted', state: 2, position: 0n });
    expect(store.eventsOf(STREAM)).toMatchObject([
      { type: 'Added', data: { by: 2 }, metadata: { ...context, at: 1_000, schemaVersion: 1 } },
    ]);
  });

  it('decides all that wait one on top of the other and appends them once', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    const outcomes = await Promise.all(
      Array.from({ length: 64 }, (_, n) => send(handler, `c${n}`, add(1, { limit: 40 }))),
    );
    expect(outcomes.filter(({ kind }) => kind === 'accepted')).toHaveLength(40);
    expect(store.eventsOf(STREAM)).toHaveLength(40);
    expect(store.calls.append).toBe(2);
  });

  it('keeps streams apart', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    await Promise.all([
      send(handler, 'c1', add(1)),
      handler.handle(counterAggregate, 'counter-2', add(5), contextOf('c1')),
    ]);
    expect((await handler.load(counterAggregate, STREAM)).state).toBe(1);
    expect((await handler.load(counterAggregate, 'counter-2')).state).toBe(5);
  });

  it('goes on with what is already so, at the position of the stream', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    expect(await send(handler, 'c0', add(0))).toEqual({ kind: 'accepted', events: [], state: 0, position: null });
    await send(handler, 'c1', add(1));
    expect(await send(handler, 'c2', add(0))).toEqual({ kind: 'accepted', events: [], state: 1, position: 0n });
  });

  it('tells of each refusal, and takes no harm when that fails', async () => {
    const refused: Parameters<RefusalSink>[0][] = [];
    const onRefused: RefusalSink = (refusal) => {
      refused.push(refusal);
      throw new Error('cannot be noted');
    };
    const handler = handlerOn(createMemoryEventStore(), { onRefused });
    expect(await send(handler, 'c1', add(2, { limit: 1 }))).toMatchObject({ kind: 'rejected' });
    expect(refused).toMatchObject([{ stream: STREAM, command: 'Add', rejection: { code: 'InvalidInput' } }]);
  });
});

describe('the same command sent again', () => {
  it('is done once within a batch', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    await send(handler, 'c0', add(1));
    const [first, second] = await Promise.all([
      send(handler, 'c1', add(2)),
      send(handler, 'c1', add(2)),
      send(handler, 'c2', add(2)),
    ]);
    expect(second).toEqual(first);
    expect((await handler.load(counterAggregate, STREAM)).state).toBe(5);
  });

  it('is done once across batches, and gives the first outcome and position again', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    const first = await send(handler, 'c1', add(2));
    await send(handler, 'c2', add(1));
    const second = await send(handler, 'c1', add(2));
    expect(second).toMatchObject({ kind: 'accepted', events: [{ data: { by: 2 } }], position: 0n });
    expect(first).toMatchObject({ position: 0n });
    expect(store.eventsOf(STREAM)).toHaveLength(2);
  });

  it('is done once across processes, with all of its events', async () => {
    const store = createMemoryEventStore();
    await send(handlerOn(store), 'c1', add(2, { times: 3 }));
    const again = await send(handlerOn(store), 'c1', add(2, { times: 3 }));
    expect(again).toMatchObject({ kind: 'accepted', events: [{}, {}, {}], position: 2n, state: 6 });
    expect(store.eventsOf(STREAM)).toHaveLength(3);
  });

  it('is refused when it is another request, within a batch, across batches and after a reload', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    await send(handler, 'c0', add(1));
    const [, twin] = await Promise.all([send(handler, 'c1', add(2), 'h1'), send(handler, 'c1', add(3), 'h2')]);
    expect(twin).toMatchObject({ kind: 'rejected', rejection: { code: 'IdempotencyKeyReused' } });
    const later = await send(handler, 'c1', add(3), 'h2');
    expect(later).toMatchObject({ kind: 'rejected', rejection: { code: 'IdempotencyKeyReused' } });
    const reloaded = await send(handlerOn(store), 'c1', add(3), 'h2');
    expect(reloaded).toMatchObject({ kind: 'rejected', rejection: { code: 'IdempotencyKeyReused' } });
  });

  it('is decided anew when it was refused the first time', async () => {
    const handler = handlerOn(createMemoryEventStore());
    await send(handler, 'c1', add(2, { limit: 1 }));
    expect(await send(handler, 'c1', add(2))).toMatchObject({ kind: 'accepted', state: 2 });
  });

  it('is found without being sent', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    const find = (commandId: string, more = {}) =>
      handler.repeated(counterAggregate, STREAM, contextOf(commandId, more));
    expect(await find('c1')).toBeNull();
    await send(handler, 'c1', add(2));
    await send(handlerOn(store), 'c2', add(3));
    expect(await find('c1')).toMatchObject({ kind: 'accepted', events: [{ data: { by: 2 } }], position: 0n });
    expect(await find('c2')).toMatchObject({ kind: 'accepted', events: [{ data: { by: 3 } }], state: 5, position: 1n });
    const reused = await find('c1', { requestHash: 'h' });
    expect(reused).toMatchObject({ kind: 'rejected', rejection: { code: 'IdempotencyKeyReused' } });
  });
});

describe('another process on the same log', () => {
  it('makes a conflict: the command is decided again on what it wrote', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [handlerOn(store), handlerOn(store)];
    await send(here, 'c1', add(1));
    store.beforeNextAppend(STREAM, () => send(there, 'c2', add(5)));
    expect(await send(here, 'c3', add(1, { limit: 6 }))).toMatchObject({ kind: 'rejected' });
    expect(store.eventsOf(STREAM)).toHaveLength(2);
  });

  it('makes a conflict on a new stream too', async () => {
    const store = createMemoryEventStore();
    store.beforeNextAppend(STREAM, () => send(handlerOn(store), 'c2', add(5)));
    expect(await send(handlerOn(store), 'c3', add(1))).toMatchObject({ kind: 'accepted', state: 6 });
  });

  it('ends in StoreUnavailable when it never lets up', async () => {
    const store = createMemoryEventStore();
    const overtaken: MemoryEventStore = {
      ...store,
      append: async (stream, expected, events) => {
        const others = store.eventsOf(stream).length;
        const metadata = { ...contextOf(`o${others}`), at: 0, schemaVersion: 1 };
        await store.append(stream, others === 0 ? 'no-stream' : BigInt(others - 1), [
          { id: `o${others}`, type: 'Added', data: { by: 1 }, metadata },
        ]);
        return store.append(stream, expected, events);
      },
    };
    const clock = stillClock();
    const failed = send(handlerOn(overtaken, { clock, random: () => 1 }), 'c1', add(1));
    await expect(failed).rejects.toMatchObject({ name: 'StoreUnavailable', outcome: 'not-done' });
    expect(clock.slept).toEqual([10, 20, 40, 80, 160, 320, 640, 1280]);
  });

  it('that is sent the same command may decide differently: what landed first is the outcome of both', async () => {
    const store = createMemoryEventStore();
    store.beforeNextAppend(STREAM, () => send(handlerOn(store), 'c1', add(5)));
    const overtaken = handlerOn(store);
    expect(await send(overtaken, 'c1', add(1))).toMatchObject({ state: 5, events: [{ data: { by: 5 } }] });
    expect((await overtaken.load(counterAggregate, STREAM)).state).toBe(5);
    expect(store.eventsOf(STREAM)).toHaveLength(1);
  });

  it('may have lifted what a refusal on the cached state rested on', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [handlerOn(store), handlerOn(store)];
    await send(here, 'c1', add(5));
    await send(there, 'c2', add(-5));
    expect(await send(here, 'c3', add(5, { limit: 5 }))).toMatchObject({ kind: 'accepted', state: 5 });
  });

  it('may have undone what was already so on the cached state', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [handlerOn(store), handlerOn(store)];
    await send(here, 'c1', add(1));
    await send(there, 'c2', add(1));
    expect(await send(here, 'c3', add(0))).toMatchObject({ state: 2, position: 1n });
  });

  it('is seen when a state is loaded', async () => {
    const store = createMemoryEventStore();
    const [here, there] = [handlerOn(store), handlerOn(store)];
    expect(await here.load(counterAggregate, STREAM)).toEqual({ state: 0, revision: null, position: null });
    await send(there, 'c1', add(1));
    expect(await here.load(counterAggregate, STREAM)).toEqual({ state: 1, revision: 0n, position: 0n });
    await send(there, 'c2', add(1));
    expect(await here.load(counterAggregate, STREAM)).toEqual({ state: 2, revision: 1n, position: 1n });
  });

  it('is not looked for when this process writes alone', async () => {
    const store = createMemoryEventStore();
    const here = handlerOn(store, { exclusive: true });
    await send(here, 'c1', add(5));
    const reads = store.calls.readStream;
    await send(here, 'c2', add(5, { limit: 5 }));
    await send(here, 'c3', add(0));
    expect((await here.load(counterAggregate, STREAM)).state).toBe(5);
    expect(store.calls.readStream).toBe(reads);
  });

  it('may be this one: what it appended is seen before it is told so, also when it writes alone', async () => {
    const store = createMemoryEventStore();
    const told = Promise.withResolvers<void>();
    const here = handlerOn(store, { exclusive: true, clock: { ...stillClock(), sleep: () => told.promise } });
    await send(here, 'c1', add(5));
    store.plantFaults(STREAM, 'landed');
    const second = send(here, 'c2', add(5));
    while (store.eventsOf(STREAM).length < 2) await Promise.resolve();
    expect((await here.load(counterAggregate, STREAM)).state).toBe(10);
    told.resolve();
    expect(await second).toMatchObject({ kind: 'accepted', state: 10 });
  });

  it('is not looked for when an append proves the cache', async () => {
    const store = createMemoryEventStore();
    const here = handlerOn(store);
    await send(here, 'c1', add(5));
    const reads = store.calls.readStream;
    await send(here, 'c2', add(5));
    expect(store.calls.readStream).toBe(reads);
  });
});

describe('a command that breaks', () => {
  it.each<CounterCommand>([{ type: 'Explode' }, { type: 'Garble' }])(
    '%o fails alone, not its batch',
    async (poison) => {
      const store = createMemoryEventStore();
      const handler = handlerOn(store);
      const first = send(handler, 'c0', add(1));
      const [before, broken, after] = await Promise.allSettled([
        send(handler, 'c1', add(1)),
        send(handler, 'c2', poison),
        send(handler, 'c3', add(1)),
      ]);
      await first;
      expect([before.status, broken.status, after.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
      expect((await handler.load(counterAggregate, STREAM)).state).toBe(3);
      await expect(send(handler, 'c4', poison)).rejects.toThrow();
    },
  );

  it('does not keep the stream from being used when the store cannot be read', async () => {
    const store = createMemoryEventStore();
    let broken = true;
    const handler = handlerOn({
      ...store,
      readStream: (stream, options) => {
        if (broken) throw new StoreUnavailable('down', 'not-done');
        return store.readStream(stream, options);
      },
    });
    await expect(send(handler, 'c1', add(1))).rejects.toThrow('down');
    broken = false;
    expect(await send(handler, 'c1', add(1))).toMatchObject({ kind: 'accepted', state: 1 });
  });
});

describe('an append whose outcome is not known', () => {
  it('is sent again byte for byte, and done once when it had landed', async () => {
    const store = createMemoryEventStore();
    store.plantFaults(STREAM, 'landed', null);
    expect(await send(handlerOn(store), 'c1', add(2))).toMatchObject({ kind: 'accepted', state: 2 });
    expect(store.eventsOf(STREAM)).toHaveLength(1);
    expect(store.appends).toHaveLength(2);
    expect(store.appends[1]).toEqual(store.appends[0]);
  });

  it('is sent again when it was lost', async () => {
    const store = createMemoryEventStore();
    store.plantFaults(STREAM, 'lost', 'lost', null);
    expect(await send(handlerOn(store), 'c1', add(2))).toMatchObject({ kind: 'accepted', state: 2 });
    expect(store.eventsOf(STREAM)).toHaveLength(1);
  });

  it('is found in the log when another writer has moved on since', async () => {
    const store = createMemoryEventStore();
    store.plantFaults(STREAM, 'landed');
    const conflicting: MemoryEventStore = {
      ...store,
      append: async (stream, expected, events) => {
        // a store that does not recognise an append it has done once the stream has moved on
        if (store.appends.length === 1) {
          await store.append(stream, 0n, [
            { id: 'o', type: 'Added', data: { by: 5 }, metadata: { ...contextOf('o'), at: 0, schemaVersion: 1 } },
          ]);
          return store.append(stream, 'no-stream', [{ ...(events[0] as (typeof events)[0]), id: 'unknown' }]);
        }
        return store.append(stream, expected, events);
      },
    };
    const outcome = await send(handlerOn(conflicting), 'c1', add(2));
    expect(outcome).toMatchObject({ kind: 'accepted', events: [{ data: { by: 2 } }], position: 0n });
    expect(store.eventsOf(STREAM)).toHaveLength(2);
  });

  it('is given up in the end, told as unknown, and the command sent once more finds out', async () => {
    const store = createMemoryEventStore();
    store.plantFaults(STREAM, 'landed', 'lost', 'lost', 'lost', 'lost');
    const handler = handlerOn(store);
    await expect(send(handler, 'c1', add(2))).rejects.toMatchObject({ outcome: 'unknown' });
    expect(await send(handler, 'c1', add(2))).toMatchObject({ kind: 'accepted', position: 0n });
    expect(store.eventsOf(STREAM)).toHaveLength(1);
  });

  it('is not sent again by who has waited for a store that did so itself', async () => {
    const store = createMemoryEventStore();
    store.plantFaults(STREAM, 'lost', 'lost');
    let atMs = 0;
    const clock = { ...stillClock(), monotonicMs: () => atMs };
    const slow: MemoryEventStore = {
      ...store,
      append: (stream, expected, events) => {
        atMs += 20_000;
        return store.append(stream, expected, events);
      },
    };
    await expect(send(handlerOn(slow, { clock }), 'c1', add(2))).rejects.toMatchObject({ outcome: 'unknown' });
    expect(store.appends).toHaveLength(1);
  });

  it('is not sent again when it was certainly not done', async () => {
    const store = createMemoryEventStore();
    store.plantFaults(STREAM, 'down');
    await expect(send(handlerOn(store), 'c1', add(2))).rejects.toMatchObject({ outcome: 'not-done' });
    expect(store.appends).toHaveLength(1);
  });
});

describe('what a sender relied on', () => {
  const provided = (total: number) => (total > 3 ? reject('TryAgain', { reason: 'it grew' }) : null);

  it('is looked at on the state that is decided on', async () => {
    const store = createMemoryEventStore();
    const handler = handlerOn(store);
    const sending = (id: string, by: number) =>
      handler.handle(counterAggregate, STREAM, add(by), contextOf(id), { provided });
    const outcomes = await Promise.all([sending('c1', 2), sending('c2', 2), sending('c3', 2)]);
    expect(outcomes.map(({ kind }) => kind)).toEqual(['accepted', 'accepted', 'rejected']);
  });

  it('is looked at again after a conflict', async () => {
    const store = createMemoryEventStore();
    store.beforeNextAppend(STREAM, () => send(handlerOn(store), 'o', add(9)));
    const outcome = await handlerOn(store).handle(counterAggregate, STREAM, add(1), contextOf('c1'), { provided });
    expect(outcome).toMatchObject({ kind: 'rejected', rejection: { code: 'TryAgain' } });
    expect(store.eventsOf(STREAM)).toHaveLength(1);
  });

  it('does not matter to a repeat', async () => {
    const handler = handlerOn(createMemoryEventStore());
    await send(handler, 'c1', add(9));
    const again = await handler.handle(counterAggregate, STREAM, add(9), contextOf('c1'), { provided });
    expect(again).toMatchObject({ kind: 'accepted', state: 9 });
  });
});
