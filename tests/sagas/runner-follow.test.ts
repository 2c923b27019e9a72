import { describe, expect, it } from 'vitest';
import { createCommandHandler } from '../../src/commands/handle.ts';
import { operationAggregate, operationStream } from '../../src/commands/operations.ts';
import type { EventMetadata } from '../../src/domain/kernel/event.ts';
import type { OperationEvent, Started } from '../../src/domain/operation/index.ts';
import { type EventStore, type RecordedEvent, StoreUnavailable } from '../../src/ports/event-store.ts';
import { StepError } from '../../src/sagas/operation.ts';
import { createOperationRunner } from '../../src/sagas/runner.ts';
import { createMemoryEventStore } from '../commands/memory-event-store.ts';
import { asUser } from '../commands/world.ts';
import { begun, definition as build, done, operationId, started, step, stop, undoable } from './build-operation.ts';
import { createTestClock } from './test-clock.ts';
import { timelineOf } from './timeline.ts';

const STREAM = operationStream(operationId);
const SUCCEEDED: OperationEvent = { type: 'OperationSucceeded', data: { operationId } };
const placed = (pool: string): OperationEvent => done('place', { pool });

/**
 * A runner that hears of one operation what the test lets it hear, and owns it where the test says so by its pool. What
 * other processes do is recorded in the log behind its back.
 */
async function startRunner() {
  const clock = createTestClock();
  const store = createMemoryEventStore(() => clock.now());
  const owns = { pool: (_pool: string | null): boolean => false };
  /** Steps that were run here, and what two of them do. */
  const ran: string[] = [];
  const does = { provision: async (_signal: AbortSignal): Promise<void> => undefined, mark: async () => undefined };
  const says = { reads: 0, away: 0, warned: [] as string[], afterAppend: async (): Promise<void> => undefined };
  const eventStore: EventStore = {
    ...store,
    readStream: (stream, options) => {
      says.reads += 1;
      if (says.away-- > 0) throw new StoreUnavailable('cannot be read', 'not-done');
      return store.readStream(stream, options);
    },
    append: async (...given) => {
      const result = await store.append(...given);
      await says.afterAppend();
      return result;
    },
  };
  const noting = (name: string, act: (signal: AbortSignal) => Promise<void> = async () => undefined) => ({
    run: ({ signal }: { readonly signal: AbortSignal }) => {
      ran.push(name);
      return act(signal);
    },
  });
  const definition = {
    ...build,
    pool: ({ output }: { output<T>(name: string): T }) => output<{ pool: string } | undefined>('place')?.pool ?? null,
    steps: [
      step('place', { effect: 'none', ...noting('place') }),
      undoable('claim', noting('claim')),
      undoable('provision', { effect: 'world', ...noting('provision', (signal) => does.provision(signal)) }),
      step('publish', noting('publish')),
    ],
    failed: [step('mark-error', { attempts: 1, ...noting('mark-error', () => does.mark()) })],
  };
  const handler = createCommandHandler({ eventStore, clock, random: () => 0 });
  const runner = createOperationRunner({
    handler,
    clock,
    workerId: 'here',
    definitions: [definition],
    // no step of this definition asks for any
    services: { handler } as never,
    logger: {
      info: () => undefined,
      warn: (_, text) => void says.warned.push(text),
      error: (_, text) => void says.warned.push(text),
    },
    ownership: { drives: ({ pool }) => owns.pool(pool), holds: ({ pool }) => owns.pool(pool) },
  });
  runner.go();
  const others = createCommandHandler({ eventStore: store, clock, random: () => 0 });
  /** Another process records this on the operation's stream. */
  const record = async (...progress: readonly OperationEvent[]): Promise<void> => {
    const seen = store.eventsOf(STREAM).length;
    const command = { type: 'RecordProgress', seen, progress } as const;
    await others.handle(operationAggregate, STREAM, command, asUser('p', `on-${seen}`));
  };
  /** Hears events of the operation by their revisions, and does what there is to do then. */
  const hear = async (...revisions: readonly number[]): Promise<void> => {
    for (const revision of revisions) runner.follow(store.eventsOf(STREAM)[revision] as RecordedEvent);
    await clock.pass(1);
  };
  /** From now on it owns the operation where this says so. */
  const own = async (pool: typeof owns.pool): Promise<void> => {
    owns.pool = pool;
    runner.reconsider();
    await clock.pass(1);
  };
  const isOpen = (): boolean => runner.open().length > 0;
  const timeline = () => timelineOf(store.eventsOf(STREAM));
  return { clock, store, runner, definition, owns, ran, does, says, record, hear, own, isOpen, timeline };
}

/** One that knows the operation as far as these events, which another process has recorded. */
async function startKnowing(...events: readonly OperationEvent[]) {
  const setting = await startRunner();
  await setting.record(started(), ...events);
  await setting.runner.resume(operationId, 'req');
  setting.says.reads = 0;
  return setting;
}

const mine = (pool: string | null): boolean => pool === 'mine';
const notTheirs = (pool: string | null): boolean => pool !== 'theirs';

describe('an operation that another process drives', () => {
  it('is kept up by what is heard of it, without a read', async () => {
    const { record, hear, own, ran, says, timeline } = await startKnowing();
    await record(placed('mine'));
    await hear(1);
    await record(done('claim'), begun('provision'), done('provision'));
    await hear(2, 3, 4);
    expect(ran).toEqual([]);
    expect(says.reads).toBe(0);
    await own(mine);
    expect(ran).toEqual(['publish']);
    expect(timeline().at(-1)).toBe('succeeded');
  });

  it('is driven at once when what is heard makes it this one’s', async () => {
    const { record, hear, owns, ran } = await startKnowing();
    owns.pool = mine;
    await record(placed('mine'));
    await hear(1);
    expect(ran).toEqual(['claim', 'provision', 'publish']);
  });

  it('is not driven when what is heard makes it another’s', async () => {
    const { record, hear, own, ran } = await startKnowing();
    await record(placed('theirs'));
    await hear(1);
    await own(notTheirs);
    expect(ran).toEqual([]);
  });

  it('is let go when its end is heard', async () => {
    const { record, hear, isOpen, says } = await startKnowing(placed('theirs'));
    await record(done('claim'), SUCCEEDED);
    await hear(2);
    expect(isOpen()).toBe(true);
    await hear(3);
    expect(isOpen()).toBe(false);
    expect(says.reads).toBe(0);
  });

  it('is undone here when it becomes this one’s after it was told to stop', async () => {
    const { record, hear, own, ran, timeline } = await startKnowing(placed('mine'), done('claim'));
    await record(stop);
    await hear(3);
    await own(mine);
    expect(ran).toEqual(['mark-error']);
    expect(timeline().slice(-4)).toEqual(['undone claim', 'all undone', 'done mark-error', 'failed (Stopped)']);
  });

  it('and that was told to stop before it was started is started all the same, and ends', async () => {
    const { record, hear, own, runner, definition, timeline } = await startRunner();
    runner.start(definition, started().data as Started, 'req', 0n);
    await record(stop);
    await hear(0);
    await own(() => true);
    expect(timeline()).toEqual(['told to stop', 'started', 'all undone', 'done mark-error', 'failed (Stopped)']);
  });

  it('and whose version is not known here is forgotten when its end is heard', async () => {
    const { record, hear, runner, isOpen } = await startRunner();
    await record({ type: 'OperationStarted', data: { ...(started().data as Started), steps: [], version: 2 } });
    await runner.resume(operationId, 'req');
    expect(isOpen()).toBe(true);
    await record(SUCCEEDED);
    await hear(1);
    expect(isOpen()).toBe(false);
  });

  it('and that a newer build went on with is left to such a one, still unfinished, and forgotten when its end is heard', async () => {
    const { store, hear, own, ran, says, isOpen } = await startKnowing(placed('theirs'));
    const metadata = { ...(store.eventsOf(STREAM)[1]?.metadata as EventMetadata), commandId: 'newer' };
    await store.append(STREAM, 1n, [{ id: 'newer', type: 'StepSuspended', data: { operationId }, metadata }]);
    await hear(2);
    expect(says.warned).toEqual(['operation left to a worker that knows its events']);
    await own(mine);
    expect([ran, isOpen()]).toEqual([[], true]);
    await store.append(STREAM, 2n, [{ id: 'end', ...SUCCEEDED, metadata: { ...metadata, commandId: 'end' } }]);
    await hear(3);
    expect(says.warned).toHaveLength(1);
    expect(isOpen()).toBe(false);
  });
});

describe('a gap in what is heard', () => {
  it('is read before it is judged whose the operation is: it may be this one’s by now', async () => {
    const { record, hear, owns, ran, says } = await startKnowing(placed('theirs'));
    owns.pool = mine;
    const again: OperationEvent = { type: 'OperationRescheduled', data: { operationId, steps: ['place'] } };
    await record(again, placed('mine'), done('claim'));
    await hear(4);
    expect(says.reads).toBe(1);
    expect(ran).toEqual(['provision', 'publish']);
  });

  it('is read before it is judged whose the operation is: it may be another’s by now', async () => {
    const { record, hear, owns, ran, says } = await startKnowing();
    owns.pool = notTheirs;
    await record(placed('theirs'), done('claim'));
    await hear(2);
    expect(says.reads).toBe(1);
    expect(ran).toEqual([]);
  });

  it('is read once, though it is not this one’s; what follows is kept up again without a read', async () => {
    const { record, hear, own, ran, says } = await startKnowing();
    await record(placed('mine'), done('claim'));
    await hear(2);
    await record(begun('provision'), done('provision'));
    await hear(3, 4);
    expect(says.reads).toBe(1);
    await own(mine);
    expect(ran).toEqual(['publish']);
  });

  it('that cannot be read now is read later, though the operation is not this one’s', async () => {
    const { record, hear, clock, isOpen, says } = await startKnowing(placed('theirs'));
    await record(done('claim'), begun('provision'), SUCCEEDED);
    says.away = 3;
    await hear(3);
    expect(isOpen()).toBe(true);
    await clock.pass(5_000);
    expect(isOpen()).toBe(false);
  });

  it('before its end needs no read', async () => {
    const { record, hear, isOpen, says } = await startKnowing();
    await record(placed('theirs'), done('claim'), SUCCEEDED);
    await hear(3);
    expect(isOpen()).toBe(false);
    expect(says.reads).toBe(0);
  });
});

describe('an event that is heard again, or late', () => {
  it('changes nothing where it was heard before', async () => {
    const { record, hear, own, ran, says } = await startKnowing();
    await record(placed('mine'), done('claim'));
    await hear(1);
    await hear(1, 2);
    await hear(1, 2);
    expect(says.reads).toBe(0);
    await own(mine);
    expect(ran).toEqual(['provision', 'publish']);
  });

  it('changes nothing where it was read before, and the next one follows on it', async () => {
    const { record, hear, own, ran, says } = await startKnowing(placed('mine'), done('claim'));
    await hear(0, 1, 2);
    await record(begun('provision'), done('provision'));
    await hear(3, 4);
    expect(says.reads).toBe(0);
    await own(mine);
    expect(ran).toEqual(['publish']);
  });

  it('changes nothing after a gap was read over it', async () => {
    const { record, hear, says } = await startKnowing();
    await record(placed('theirs'), done('claim'), begun('provision'));
    await hear(3);
    await hear(1, 2, 3);
    expect(says.reads).toBe(1);
  });
});

describe('an event of an operation that is being driven here', () => {
  it('may be this one’s own, heard before the append is answered: nothing is read', async () => {
    const { store, runner, own, says, ran, timeline } = await startKnowing();
    let heard = 1;
    says.afterAppend = async () => {
      for (const event of store.eventsOf(STREAM).slice(heard)) runner.follow(event);
      heard = store.eventsOf(STREAM).length;
    };
    await own(() => true);
    expect(ran).toEqual(['place', 'claim', 'provision', 'publish']);
    expect(timeline().at(-1)).toBe('succeeded');
    expect(says.reads).toBe(0);
  });

  it('may be a stop: the call under way is broken off, and undone', async () => {
    const { does, own, ran, record, hear, timeline } = await startKnowing(placed('mine'), done('claim'));
    does.provision = (signal) =>
      new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));
    await own(mine);
    expect(ran).toEqual(['provision']);
    await record(stop);
    await hear(4);
    expect(timeline()).toContain('undone provision');
    expect(timeline().at(-1)).toBe('failed (Stopped)');
  });

  it('may be somebody else’s in the moment in which the drive ends: it is not lost', async () => {
    const { store, does, runner, own, says, ran, record, timeline } = await startKnowing(placed('mine'), done('claim'));
    const broken = new StepError({ code: 'Broken', message: 'it does not work' }, 'never');
    does.provision = () => Promise.reject(broken);
    does.mark = () => Promise.reject(broken);
    says.afterAppend = async () => {
      if (store.eventsOf(STREAM).at(-1)?.type !== 'OperationParked') return;
      does.mark = async () => undefined;
      // an operator is as quick as the log
      await record({ type: 'OperationResumed', data: { operationId, action: 'retry' } });
      for (const event of store.eventsOf(STREAM).slice(-1)) runner.follow(event);
    };
    await own(mine);
    expect(ran).toEqual(['provision', 'mark-error', 'mark-error']);
    expect(timeline().at(-1)).toBe('failed (Broken)');
  });
});
