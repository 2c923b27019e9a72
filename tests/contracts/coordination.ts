import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Coordination, Lease } from '../../src/ports/coordination.ts';

/** A store under test; it may hold other leases already, so tests use resources, services and feeds of their own. */
export interface OpenedCoordination {
  readonly store: Coordination;
  readonly reopen?: () => Promise<Coordination>;
  readonly cleanup: () => Promise<void>;
}

/** A monotonic clock that moves only when told to. */
export interface HandClock {
  monotonicMs(): number;
  advance(ms: number): void;
}

const handClock = (): HandClock => {
  let atMs = 1_000;
  return {
    monotonicMs: () => atMs,
    advance: (ms) => {
      atMs += ms;
    },
  };
};

const TERM_MS = 10_000;

/** What every coordination store must do, whatever engine it runs on. */
export function coordinationContract(name: string, open: (clock: HandClock) => Promise<OpenedCoordination>): void {
  describe(`coordination on ${name}`, () => {
    const clock = handClock();
    let opened: OpenedCoordination;
    let store: Coordination;

    beforeAll(async () => {
      opened = await open(clock);
      store = opened.store;
    });
    afterAll(() => opened.cleanup());

    const taken = async (resource: string, holder: string): Promise<Lease> => {
      const lease = await store.acquire(resource, holder, TERM_MS);
      if (lease === null) throw new Error(`${holder} did not get ${resource}`);
      return lease;
    };

    describe('a lease', () => {
      it('is taken when it is free, and is then nobody else’s', async () => {
        const resource = randomUUID();
        const lease = await taken(resource, 'ann');
        expect(lease).toMatchObject({ resource, holder: 'ann' });
        expect(lease.token).toBeGreaterThan(0n);
        expect(await store.acquire(resource, 'bob', TERM_MS)).toBeNull();
        expect(await store.renew(lease)).toBe(true);
      });

      it('goes to one of many that ask at once', async () => {
        const resource = randomUUID();
        const asked = await Promise.all(
          Array.from({ length: 30 }, (_, n) => store.acquire(resource, `holder-${n}`, TERM_MS)),
        );
        expect(asked.filter((lease) => lease !== null)).toHaveLength(1);
      });

      it('is free once it is released, and its token has grown', async () => {
        const resource = randomUUID();
        const first = await taken(resource, 'ann');
        await store.release(first);
        expect(await store.renew(first)).toBe(false);
        const second = await taken(resource, 'bob');
        expect(second.token).toBeGreaterThan(first.token);
      });

      it('is taken over only after its beat stood still for a full term of the challenger’s clock', async () => {
        const resource = randomUUID();
        const lease = await taken(resource, 'ann');
        clock.advance(10 * TERM_MS);
        expect(await store.acquire(resource, 'bob', TERM_MS), 'the first call only starts the watch').toBeNull();
        clock.advance(TERM_MS - 1);
        expect(await store.acquire(resource, 'bob', TERM_MS)).toBeNull();
        clock.advance(1);
        const over = await taken(resource, 'bob');
        expect(over.token).toBeGreaterThan(lease.token);
        expect(await store.renew(lease)).toBe(false);
        await store.release(lease);
        expect(await store.renew(over), 'the former holder’s release does nothing').toBe(true);
      });

      it('stays with a holder that renews it, however late the challenger looks', async () => {
        const resource = randomUUID();
        const lease = await taken(resource, 'ann');
        for (let n = 0; n < 5; n += 1) {
          expect(await store.acquire(resource, 'bob', TERM_MS)).toBeNull();
          expect(await store.renew(lease)).toBe(true);
          clock.advance(TERM_MS);
        }
      });

      it('is watched by each challenger for itself', async () => {
        const resource = randomUUID();
        await taken(resource, 'ann');
        expect(await store.acquire(resource, 'bob', TERM_MS)).toBeNull();
        clock.advance(TERM_MS);
        expect(await store.acquire(resource, 'cid', TERM_MS)).toBeNull();
        expect(await store.acquire(resource, 'bob', TERM_MS)).not.toBeNull();
        clock.advance(TERM_MS);
        expect(await store.acquire(resource, 'cid', TERM_MS), 'the lease has changed since').toBeNull();
      });

      it('goes to one of the challengers whose term has passed', async () => {
        const resource = randomUUID();
        await taken(resource, 'ann');
        const challengers = Array.from({ length: 10 }, (_, n) => `challenger-${n}`);
        for (const holder of challengers) await store.acquire(resource, holder, TERM_MS);
        clock.advance(TERM_MS);
        const asked = await Promise.all(challengers.map((holder) => store.acquire(resource, holder, TERM_MS)));
        expect(asked.filter((lease) => lease !== null)).toHaveLength(1);
      });

      it('given to its holder again has a new token, which fences off what that holder did before', async () => {
        const resource = randomUUID();
        const first = await taken(resource, 'ann');
        const second = await taken(resource, 'ann');
        expect(second.token).toBeGreaterThan(first.token);
        expect(await store.renew(first)).toBe(false);
        expect(await store.renew(second)).toBe(true);
      });

      it('that was never given cannot be renewed', async () => {
        expect(await store.renew({ resource: randomUUID(), holder: 'ann', token: 1n })).toBe(false);
      });

      it('is void at once when all are released, and its token goes on', async () => {
        const resource = randomUUID();
        const lease = await taken(resource, 'ann');
        await store.releaseAll();
        expect(await store.renew(lease)).toBe(false);
        expect((await taken(resource, 'bob')).token).toBeGreaterThan(lease.token);
      });
    });

    describe('heartbeats', () => {
      it('count the beats of a service and keep its last report', async () => {
        const service = `scoria-volume@${randomUUID()}`;
        const mine = async () => (await store.heartbeats()).filter((heartbeat) => heartbeat.service === service);
        expect(await mine()).toEqual([]);
        await store.beat(service, 1_000, { freeGiB: 5 });
        const [first] = await mine();
        expect(first).toMatchObject({ service, at: 1_000, report: { freeGiB: 5 } });
        await store.beat(service, 2_000, { freeGiB: 4, pools: [{ name: 'a' }] });
        const [second] = await mine();
        expect(second).toMatchObject({ service, at: 2_000, report: { freeGiB: 4, pools: [{ name: 'a' }] } });
        expect(second?.beat).toBe((first?.beat ?? 0) + 1);
      });

      it('of a service that is forgotten are gone, until it beats again', async () => {
        const [service, other] = [`operations-${randomUUID()}`, `operations-${randomUUID()}`];
        const mine = async () =>
          (await store.heartbeats())
            .map((heartbeat) => heartbeat.service)
            .filter((it) => [service, other].includes(it));
        await store.beat(service, 1_000, {});
        await store.beat(other, 1_000, {});
        await store.forget(service);
        await store.forget('never-there');
        expect(await mine()).toEqual([other]);
        await store.beat(service, 2_000, {});
        expect(await mine()).toHaveLength(2);
        await store.forget(service);
        await store.forget(other);
      });
    });

    describe('unfinished work', () => {
      it('is listed by its kind, what is due first at the front, until it is removed', async () => {
        const [early, late, charge]: [string, string, string] = [randomUUID(), randomUUID(), randomUUID()];
        const mine = async (kind: 'operation' | 'charge') =>
          (await store.listWork(kind)).filter((work) => [early, late, charge].includes(work.id));
        await store.putWork([
          { kind: 'operation', id: late, dueAt: 2_000, data: { step: 'place' } },
          { kind: 'operation', id: early, dueAt: 1_000, data: {} },
          { kind: 'charge', id: charge, dueAt: 1_500, data: { stream: 'volume-1' } },
        ]);
        expect(await mine('operation')).toEqual([
          { kind: 'operation', id: early, dueAt: 1_000, data: {} },
          { kind: 'operation', id: late, dueAt: 2_000, data: { step: 'place' } },
        ]);
        expect(await mine('charge')).toEqual([
          { kind: 'charge', id: charge, dueAt: 1_500, data: { stream: 'volume-1' } },
        ]);
        await store.removeWork('operation', [early, 'never-there']);
        await store.removeWork('operation', [charge]);
        expect((await mine('operation')).map((work) => work.id)).toEqual([late]);
        expect(await mine('charge')).toHaveLength(1);
        await store.removeWork('charge', [charge]);
        await store.removeWork('operation', [late]);
      });

      it('is replaced when it is put again', async () => {
        const id = randomUUID();
        await store.putWork([{ kind: 'charge', id, dueAt: 1_000, data: { attempt: 1 } }]);
        await store.putWork([{ kind: 'charge', id, dueAt: 5_000, data: { attempt: 2 } }]);
        const mine = (await store.listWork('charge')).filter((work) => work.id === id);
        expect(mine).toEqual([{ kind: 'charge', id, dueAt: 5_000, data: { attempt: 2 } }]);
        await store.removeWork('charge', [id]);
      });

      it('may be none', async () => {
        await store.putWork([]);
        await store.removeWork('charge', []);
      });
    });

    describe('a feed', () => {
      it('has no checkpoint at first, then the one it saved last', async () => {
        const feed = randomUUID();
        expect(await store.feedCheckpoint(feed)).toBeNull();
        await store.saveFeedCheckpoint(feed, { position: 5n, eventId: 'e5' });
        await store.saveFeedCheckpoint(feed, { position: 7n, eventId: 'e7' });
        expect(await store.feedCheckpoint(feed)).toEqual({ position: 7n, eventId: 'e7' });
      });
    });

    it('after it was closed and opened again, it has everything, and tokens go on growing', async (context) => {
      if (opened.reopen === undefined) return context.skip();
      const [held, released, feed, work] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()];
      const lease = await taken(held, 'ann');
      const gone = await taken(released, 'ann');
      await store.release(gone);
      await store.saveFeedCheckpoint(feed, { position: 5n, eventId: 'e5' });
      await store.putWork([{ kind: 'operation', id: work, dueAt: 1, data: {} }]);
      store = await opened.reopen();
      expect(await store.renew(lease)).toBe(true);
      expect(await store.acquire(held, 'bob', TERM_MS)).toBeNull();
      expect((await taken(released, 'bob')).token).toBeGreaterThan(gone.token);
      expect(await store.feedCheckpoint(feed)).toEqual({ position: 5n, eventId: 'e5' });
      expect((await store.listWork('operation')).map(({ id }) => id)).toContain(work);
    });
  });
}
