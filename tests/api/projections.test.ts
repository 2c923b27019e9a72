import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { allProjections } from '../../src/projections/all.ts';
import { createLocalReadModels } from '../../src/projections/read-models.ts';
import type { RebuildResult } from '../../src/projections/rebuild.ts';
import { createRemoteReadModels } from '../../src/projections/remote-read-models.ts';
import type { ProjectionRunner, ProjectionStatus } from '../../src/projections/runner.ts';
import { PROJECTIONS_FEED, writerName, writerReport } from '../../src/projections/writer-report.ts';
import { createSharedCoordination } from '../projections/processes.ts';
import { MEMBER } from './http-client.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;

beforeAll(async () => {
  server = await startTestServer();
  await server.availableVolume();
});
afterAll(() => server.close());

const show = async (name: string, from = server) => (await from.get(`/v3/projections/${name}`)).json.projection;

/** Asks until a rebuild of this read model has ended. */
async function ended(name: string, from = server) {
  for (;;) {
    const projection = await show(name, from);
    if (projection.rebuild === null && projection.last_rebuild !== null) return projection;
  }
}

describe('read models', () => {
  it('are listed with how far each is', async () => {
    const { projections } = (await server.get('/v3/demo/projections')).json;
    expect(projections.map(({ name }: { name: string }) => name)).toEqual(
      allProjections.map(({ collection }) => collection.name),
    );
    const volumes = projections.find(({ name }: { name: string }) => name === 'volumes');
    expect(volumes).toMatchObject({ lag: 0, stale_count: 0, stopped: null, rebuild: null, last_rebuild: null });
    expect(volumes.position).toMatch(/^\d+$/);
  });

  it('are not found under other names, and are for administrators', async () => {
    expect((await server.get('/v3/projections/nosuch')).json.itemNotFound.message).toContain('nosuch');
    for (const path of ['/v3/projections', '/v3/projections/volumes']) {
      expect((await server.get(path, { token: MEMBER })).status).toBe(403);
    }
    const rebuild = { rebuild: null };
    expect((await server.post('/v3/projections/volumes/action', rebuild, { token: MEMBER })).status).toBe(403);
    expect((await server.post('/v3/projections/action', rebuild, { token: MEMBER })).status).toBe(403);
  });
});

describe('rebuilding', () => {
  it('is accepted at once and switches to a new version that agrees with the live one', async () => {
    const before = await show('volumes');
    const answer = await server.post('/v3/projections/volumes/action', { rebuild: null });
    expect(answer.status).toBe(202);
    expect(answer.json.projections).toMatchObject([{ name: 'volumes', rebuild: { names: ['volumes'] } }]);
    const after = await ended('volumes');
    expect(after.version).not.toBe(before.version);
    expect(after.last_rebuild).toMatchObject({ outcome: 'switched', version: after.version, reason: null });
    expect(after.last_rebuild.comparison).toMatchObject({ counts: { live: 1, rebuilt: 1 }, differing: [] });
    expect(after.last_rebuild.ended_at).toMatch(TIME);
    expect((await server.get('/v3/volumes')).json.volumes).toHaveLength(1);
  });

  it('only compares when that is asked for', async () => {
    const before = await show('snapshots');
    await server.post('/v3/projections/snapshots/action', { rebuild: { verify_only: true } });
    const after = await ended('snapshots');
    expect(after.version).toBe(before.version);
    expect(after.last_rebuild).toMatchObject({ outcome: 'verified' });
  });

  it('takes several read models with one reading of the log', async () => {
    const names = ['quotas', 'transfers'];
    const answer = await server.post('/v3/projections/action', { rebuild: { names } });
    expect(answer.json.projections).toMatchObject([{ rebuild: { names } }, { rebuild: { names } }]);
    for (const name of names) expect((await ended(name)).last_rebuild.outcome).toBe('switched');
  });

  it('takes all of them when none is named', async () => {
    const answer = await server.post('/v3/projections/action', { rebuild: null });
    expect(answer.json.projections).toHaveLength(allProjections.length);
    for (const { collection } of allProjections) await ended(collection.name);
  });

  it.each([
    ['/v3/projections/nosuch/action', { rebuild: null }, 404],
    ['/v3/projections/action', { rebuild: { names: ['volumes', 'nosuch'] } }, 404],
    ['/v3/projections/action', { rebuild: { names: [] } }, 400],
    ['/v3/projections/volumes/action', { rebuild: { names: ['volumes'] } }, 400],
    ['/v3/projections/volumes/action', { rebuild: { as_of: 'yesterday' } }, 400],
    ['/v3/projections/volumes/action', { explode: null }, 400],
  ])('refuses at %s the body %j with %d', async (path, body, status) => {
    expect((await server.post(path, body)).status).toBe(status);
  });
});

describe('a runner', () => {
  const status: ProjectionStatus = {
    name: 'volumes',
    version: 1_000,
    position: 41n,
    lag: 1,
    stale: [
      {
        id: 'volumes/1000/v1',
        collection: 'volumes',
        version: 1_000,
        documentId: 'v1',
        position: '7',
        eventId: 'e7',
        eventType: 'VolumeExtended',
        reason: 'no such volume',
      },
    ],
    stopped: 'event 42 cannot be read',
    rebuild: { names: ['volumes'], events: 10, position: 12n, target: 42n },
  };

  const withRunner = async (
    runner: Pick<ProjectionRunner, 'status' | 'rebuild'>,
    test: (from: TestServer) => Promise<void>,
  ): Promise<void> => {
    const deps = { clock: systemClock, logger: pino({ level: 'silent' }) };
    const readModels = createLocalReadModels({ ...deps, runner: { waitFor: async () => true, ...runner } });
    const from = await startTestServer({ dependencies: { readModels } });
    await test(from).finally(() => from.close());
  };

  it('that stopped says why, which documents are stale and how far a rebuild is', async () => {
    const rebuild = () => new Promise<readonly RebuildResult[]>(() => undefined);
    await withRunner({ status: () => [status], rebuild }, async (from) => {
      expect(await show('volumes', from)).toMatchObject({
        position: '41',
        lag: 1,
        stale_count: 1,
        stopped: 'event 42 cannot be read',
        rebuild: { names: ['volumes'], events: 10, position: '12', target: '42' },
        stale_documents: [{ id: 'v1', position: '7', event_type: 'VolumeExtended', reason: 'no such volume' }],
      });
      const answer = await from.post('/v3/projections/volumes/action', { rebuild: null });
      expect(answer.status).toBe(409);
    });
  });

  it('whose rebuild fails tells it afterwards', async () => {
    const rebuild = async (): Promise<readonly RebuildResult[]> => {
      throw new Error('the disk is full');
    };
    await withRunner({ status: () => [{ ...status, rebuild: null }], rebuild }, async (from) => {
      expect((await from.post('/v3/projections/volumes/action', { rebuild: null })).status).toBe(202);
      expect((await ended('volumes', from)).last_rebuild).toMatchObject({
        outcome: 'failed',
        reason: 'the disk is full',
      });
    });
  });
});

describe('read models that another process keeps', () => {
  const { coordination } = createSharedCoordination(systemClock);
  const names = allProjections.map(({ collection }) => collection.name);
  const readModels = createRemoteReadModels({ coordination, clock: systemClock, names, newId: () => 'asked' });
  let from: TestServer;
  beforeAll(async () => {
    from = await startTestServer({ dependencies: { readModels } });
  });
  afterAll(() => from.close());

  const told = {
    ...{ name: 'volumes', version: 1_000, position: 41n, lag: 3, stopped: null, rebuild: null, lastRebuild: null },
    ...{ stale: [], staleCount: 1 },
  };
  const writerTells = () => coordination.beat(writerName('elsewhere'), systemClock.now(), writerReport(7n, [told]));

  it('are shown as nobody keeps them, and are not rebuilt, while none does', async () => {
    expect(await show('volumes', from)).toMatchObject({ position: null, stopped: 'no process keeps the read models' });
    const answer = await from.post('/v3/projections/volumes/action', { rebuild: null });
    expect(answer.status).toBe(503);
    expect(answer.text).toContain('No process keeps the read models');
  });

  it('are shown as their writer tells', async () => {
    await writerTells();
    expect(await show('volumes', from)).toMatchObject({ position: '41', lag: 3, stopped: null, stale_count: 1 });
    const { projections } = (await from.get('/v3/projections')).json;
    expect(projections.map(({ name }: { name: string }) => name)).toEqual(names);
  });

  it('are asked to be rebuilt once', async () => {
    const body = { rebuild: { verify_only: true } };
    const answer = await from.post('/v3/projections/volumes/action', body);
    expect(answer.status).toBe(202);
    expect(answer.json.projections).toMatchObject([{ name: 'volumes', rebuild: { names: ['volumes'] } }]);
    expect(await coordination.listWork('rebuild')).toMatchObject([
      { id: 'asked', data: { names: ['volumes'], verifyOnly: true } },
    ]);
    expect((await from.post('/v3/projections/volumes/action', body)).status).toBe(409);
    expect((await from.post('/v3/projections/nosuch/action', body)).status).toBe(404);
  });

  it('keep an answer for two seconds at most, where they are not told to have come so far', async () => {
    const startedMs = systemClock.monotonicMs();
    expect((await from.post('/v3/volumes', { volume: { size: 1 } })).status).toBe(202);
    expect(systemClock.monotonicMs() - startedMs).toBeGreaterThan(1_900);
    await coordination.saveFeedCheckpoint(PROJECTIONS_FEED, { position: 1_000_000n, eventId: '' });
    const againMs = systemClock.monotonicMs();
    expect((await from.post('/v3/volumes', { volume: { size: 1 } })).status).toBe(202);
    expect(systemClock.monotonicMs() - againMs).toBeLessThan(1_900);
  });
});
