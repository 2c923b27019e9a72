import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { checkStreamMetadata, NotCopied } from '../../src/log-copy/check-source.ts';
import { compareCopy, copyLog } from '../../src/log-copy/copy-log.ts';
import { type LogSource, storeSource } from '../../src/log-copy/log-source.ts';
import type { EventStore } from '../../src/ports/event-store.ts';
import { anEvent, events } from '../contracts/event-store-fixtures.ts';
import { aForeignEvent, anEmbeddedLog, contentOf, fill, type TestLog } from './logs.ts';

let from: TestLog;
let to: TestLog;

beforeEach(async () => {
  from = await anEmbeddedLog();
  to = await anEmbeddedLog();
});

afterEach(async () => {
  await from.stop();
  await to.stop();
});

const copy = (source: LogSource = storeSource(from.store), target: EventStore = to.store) =>
  copyLog(source, target, { keepsForeign: true, inFlight: 64 });

/** A source that breaks off behind so many events. */
const brokenAfter = (count: number): LogSource => {
  let reads = 0;
  return {
    read: async function* () {
      reads += 1;
      let left = count;
      for await (const event of storeSource(from.store).read()) {
        if (reads > 1 && left === 0) throw new Error('pulled');
        left -= 1;
        yield event;
      }
    },
  };
};

/** The store, which fails at the append of that number and says how many were under way at most. */
function failingAt(store: EventStore, failsAt: number) {
  const seen = { appends: 0, underWay: 0, most: 0 };
  const append: EventStore['append'] = async (...args) => {
    seen.appends += 1;
    if (seen.appends === failsAt) throw new Error('disk gone');
    seen.underWay += 1;
    seen.most = Math.max(seen.most, seen.underWay);
    try {
      return await store.append(...args);
    } finally {
      seen.underWay -= 1;
    }
  };
  return { seen, store: { ...store, append } };
}

describe('appends under way together', () => {
  it('given 2,000 over 500 streams sent to the embedded store at once, it stores them in the order they were sent', async () => {
    const sent = Array.from({ length: 2_000 }, (_, n) => ({
      stream: `volume-${(n * 7) % 500}`,
      event: anEvent({ n }),
    }));
    const next = new Map<string, bigint>();
    const appends = sent.map(({ stream, event }) => {
      const revision = next.get(stream) ?? 0n;
      next.set(stream, revision + 1n);
      return to.store.append(stream, revision === 0n ? 'no-stream' : revision - 1n, [event]);
    });
    await Promise.all(appends);
    const stored: string[] = [];
    for await (const { id } of to.store.readAll()) stored.push(id);
    expect(stored).toEqual(sent.map(({ event }) => event.id));
  });

  it.each([1, 8])('are never more than %i, where that is said', async (inFlight) => {
    await fill(from.store, 200);
    const { store, seen } = failingAt(to.store, Number.POSITIVE_INFINITY);
    await copyLog(storeSource(from.store), store, { keepsForeign: true, inFlight });
    expect(seen.most).toBe(inFlight);
    expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
  });

  it('given one of them fails while later ones are stored, ends with that failure, and the next copy says where they part', async () => {
    await fill(from.store, 300);
    await expect(copy(storeSource(from.store), failingAt(to.store, 20).store)).rejects.toThrow('disk gone');
    const before = await contentOf(to.store);
    await expect(copy()).rejects.toThrow(/is not a beginning of the source.*begin with an empty target/);
    expect(await contentOf(to.store)).toEqual(before);
  });

  it('given one fails that went alone, the next copy goes on behind it', async () => {
    await fill(from.store, 300);
    const { store } = failingAt(to.store, 20);
    const alone = copyLog(storeSource(from.store), store, { keepsForeign: true, inFlight: 1 });
    await expect(alone).rejects.toThrow('disk gone');
    expect((await copy()).present).toBeGreaterThan(0);
    expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
  });
});

describe('copying a log', () => {
  it('given streams that alternate, the copy has the same events in the same order, byte for byte', async () => {
    await fill(from.store, 300);
    expect(await copy()).toEqual({ events: 300, present: 0, copied: 300 });
    expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
    expect(await compareCopy(storeSource(from.store), to.store, 300)).toEqual({ same: 300, parting: null });
  });

  it.each([1, 77, 299])(
    'given a copy that broke off after reading %i events, the next one goes on behind it',
    async (count) => {
      await fill(from.store, 300);
      await expect(copy(brokenAfter(count))).rejects.toThrow('pulled');
      const report = await copy();
      expect(report.present).toBeLessThanOrEqual(count);
      expect(report.present + report.copied).toBe(300);
      expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
    },
  );

  it('given a copy that is complete, copies nothing; given new events in the source, copies those', async () => {
    await fill(from.store, 20);
    await copy();
    expect(await copy()).toEqual({ events: 20, present: 20, copied: 0 });
    await from.store.append('quota-late', 'no-stream', events(3));
    expect(await copy()).toEqual({ events: 23, present: 20, copied: 3 });
  });

  it('given more than fits into one append, copies it in several', async () => {
    await from.store.append('volume-a', 'no-stream', events(700));
    await from.store.append('volume-b', 'no-stream', [anEvent({ text: 'x'.repeat(400_000) }), anEvent()]);
    await copy();
    expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
  });

  it('given a target with other events, refuses before anything is written and says where they part', async () => {
    await fill(from.store, 10);
    await to.store.append('volume-0', 'no-stream', events(1));
    await expect(copy()).rejects.toThrow(/at event 1 of the log their id differs: .* Nothing was written/);
    expect(await contentOf(to.store)).toHaveLength(1);
  });

  it('given a target that is longer than the source, refuses', async () => {
    await fill(from.store, 10);
    await copy();
    await to.store.append('volume-later', 'no-stream', events(1));
    await expect(copy()).rejects.toThrow(/at event 11 of the log one has ended: the source has no more events/);
  });

  it('given a stream whose beginning is gone, refuses before anything is written and names it', async () => {
    await fill(from.store, 10);
    const truncated: LogSource = {
      read: async function* () {
        for await (const event of storeSource(from.store).read()) {
          if (event.stream !== 'volume-1' || event.revision > 0n) yield event;
        }
      },
    };
    await expect(copy(truncated)).rejects.toThrow(NotCopied);
    await expect(copy(truncated)).rejects.toThrow(/stream volume-1 was truncated or deleted/);
    expect(await to.store.head()).toBeNull();
  });

  it('given metadata of a stream that hides a part of it, refuses and names the stream', async () => {
    await from.store.append('other', 'no-stream', events(3));
    await from.store.append('$$other', 'no-stream', [anEvent({ $acl: {} }, '$metadata')]);
    await checkStreamMetadata(from.store);
    await from.store.append('$$other', 0n, [anEvent({ $tb: 2 }, '$metadata')]);
    await expect(checkStreamMetadata(from.store)).rejects.toThrow('stream other is truncated or deleted');
  });

  it('given events of other programs, keeps them where both logs are embedded, else refuses', async () => {
    await from.store.append('theirs', 'no-stream', [aForeignEvent()]);
    await expect(copyLog(storeSource(from.store), to.store, { keepsForeign: false, inFlight: 1 })).rejects.toThrow(
      /stream theirs\) was written by another program/,
    );
    expect(await to.store.head()).toBeNull();
    await copy();
    expect(await contentOf(to.store)).toEqual(await contentOf(from.store));
  });

  it('leaves out what the store keeps for itself', async () => {
    await from.store.append('$$other', 'no-stream', events(1));
    await from.store.append('volume-a', 'no-stream', events(2));
    expect(await copy()).toMatchObject({ events: 2, copied: 2 });
  });
});

describe('comparing two logs', () => {
  it.each([
    ['data', { data: { n: 1 } }],
    ['metadata', { metadata: { ...anEvent().metadata, at: 1 } }],
    ['type', { type: 'Other' }],
  ])('names a difference in the %s', async (field, change) => {
    const event = anEvent({ n: 0 });
    await from.store.append('volume-a', 'no-stream', [anEvent(), event].slice(1));
    await to.store.append('volume-a', 'no-stream', [{ ...event, ...change }]);
    const { same, parting } = await compareCopy(storeSource(from.store), to.store, 1);
    expect([same, parting?.field]).toEqual([0, field]);
  });
});
