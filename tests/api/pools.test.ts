import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { PoolReport } from '../../src/domain/placement/index.ts';
import { MEMBER } from './http-client.ts';
import { POOL, startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const SSD: PoolReport = {
  ...POOL,
  pool: 'host@ssd#fast',
  backendName: 'ssd',
  storageProtocol: 'iSCSI',
  multiattach: false,
  volumeCount: 4,
  freeCapacityGiB: 100,
  capabilities: { compression: true, tier: 'gold' },
};
const FROZEN: PoolReport = { ...POOL, pool: 'host@frozen#pool' };

beforeAll(async () => {
  const unusable = [{ pool: FROZEN.pool, reason: 'backend host@frozen is frozen', report: FROZEN }];
  server = await startTestServer({
    dependencies: { poolReports: { read: async () => ({ usable: [POOL, SSD], unusable }) } },
  });
  const spec = { extra_specs: { volume_backend_name: 'ssd' } };
  await server.post('/v3/types', { volume_type: { name: 'on-ssd', ...spec } });
});
afterAll(() => server.close());

const get = (query = '', options: object = {}) => server.get(`/v3/demo/scheduler-stats/get_pools${query}`, options);
const names = async (query = '', microversion = 71): Promise<readonly string[]> =>
  (await get(query, { microversion })).json.pools.map(({ name }: { name: string }) => name);

describe('listing pools', () => {
  it('names those that volumes may be placed on, and no others', async () => {
    expect((await get()).json).toEqual({ pools: [{ name: POOL.pool }, { name: SSD.pool }] });
  });

  it('shows with detail what each backend reports, under the original’s names', async () => {
    const [, ssd] = (await get('?detail=True')).json.pools;
    expect(ssd).toMatchObject({
      name: SSD.pool,
      capabilities: {
        pool_name: 'fast',
        volume_backend_name: 'ssd',
        storage_protocol: 'iSCSI',
        total_capacity_gb: 1_000,
        free_capacity_gb: 100,
        reserved_percentage: 0,
        thin_provisioning_support: true,
        max_over_subscription_ratio: 20,
        total_volumes: 4,
        tier: 'gold',
        backend_state: 'up',
        QoS_support: false,
      },
    });
    expect((await get('?detail=maybe')).json.badRequest.message).toBe("Value 'maybe' for 'detail' is not a boolean.");
  });

  it('is for administrators', async () => {
    expect((await get('', { token: MEMBER })).status).toBe(403);
  });
});

describe('filtering pools', () => {
  it('is ignored below 3.28', async () => {
    expect(await names('?name=nosuch&colour=red', 27)).toHaveLength(2);
  });

  it('goes by name from 3.28 on', async () => {
    expect(await names(`?name=${encodeURIComponent(SSD.pool)}`, 28)).toEqual([SSD.pool]);
    expect(await names(`?name=${encodeURIComponent(SSD.pool)}`)).toEqual([SSD.pool]);
    expect(await names('?name=nosuch')).toEqual([]);
  });

  it('goes by any capability from 3.28 to 3.30', async () => {
    for (const microversion of [28, 30]) {
      expect(await names('?tier=gold', microversion)).toEqual([SSD.pool]);
      expect(await names('?multiattach=yes', microversion)).toEqual([POOL.pool]);
      expect(await names('?free_capacity_gb=100&storage_protocol=iscsi', microversion)).toEqual([SSD.pool]);
      expect(await names('?colour=red', microversion)).toEqual([]);
    }
  });

  it('refuses other keys from 3.31 on, to administrators too', async () => {
    const answer = await get('?tier=gold&colour=red&detail=true', { microversion: 31 });
    expect(answer.status).toBe(400);
    expect(answer.json.badRequest.message).toBe('Invalid filters tier,colour are found in query options.');
  });

  it('goes by what a volume type asks for from 3.35 on', async () => {
    expect(await names('?volume_type=on-ssd')).toEqual([SSD.pool]);
    expect(await names('?volume_type=on-ssd', 34)).toHaveLength(2);
    const { id } = (await server.get('/v3/types?name=on-ssd')).json.volume_types[0];
    expect(await names(`?volume_type=${id}`)).toEqual([SSD.pool]);
    expect((await get('?volume_type=nosuch')).json.itemNotFound.message).toContain('nosuch');
  });
});
