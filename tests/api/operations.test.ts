import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { operationAggregate, operationStream } from '../../src/commands/operations.ts';
import type { OperationEvent } from '../../src/domain/operation/index.ts';
import type { FailureReason } from '../../src/domain/volume/events.ts';
import { ADMIN, MEMBER, READER, STRANGER } from './http-client.ts';
import { startTestServer, type TestServer } from './server.ts';

let server: TestServer;
const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/;
const SECRET: FailureReason = { code: 'DriverFailed', message: '/srv/secret: no such directory' };
const FULL: FailureReason = { code: 'NoValidBackend', message: 'host@file#pool: too small' };

let parked: string;
let running: string;
let failed: string;
let foreign: string;

/** Records an operation as its runner would; waits until the API shows it. */
async function operation(
  kind: string,
  progress: (operationId: string) => readonly OperationEvent[],
  projectId = 'demo',
): Promise<string> {
  server.pass(1);
  const operationId = crypto.randomUUID();
  const commandId = crypto.randomUUID();
  const resource = { type: 'volume' as const, id: `v-${operationId}`, volumeId: `v-${operationId}` };
  const steps = ['place', 'claim', 'provision'];
  await server.handler.handle(
    operationAggregate,
    operationStream(operationId),
    {
      type: 'StartOperation',
      started: { operationId, kind, version: 1, steps, projectId, resource, input: {} },
      progress: progress(operationId),
    },
    {
      commandId,
      causationId: commandId,
      correlationId: `req-${operationId}`,
      actor: { userId: 'ann', projectId, roles: [], kind: 'operation' },
    },
  );
  for (;;) if ((await server.get(`/v3/operations/${operationId}`)).status === 200) return operationId;
}

const succeeded = (operationId: string, step: string): OperationEvent => ({
  type: 'StepSucceeded',
  data: { operationId, step, attempt: 1, output: null },
});
const park = (operationId: string): OperationEvent => ({
  type: 'OperationParked',
  data: { operationId, reason: SECRET },
});

beforeAll(async () => {
  server = await startTestServer();
  parked = await operation('create-volume', (id) => [
    succeeded(id, 'place'),
    { type: 'StepStarted', data: { operationId: id, step: 'provision', attempt: 1, input: {} } },
    park(id),
  ]);
  running = await operation('delete-volume', (id) => [succeeded(id, 'place')]);
  failed = await operation('create-volume', (id) => [
    { type: 'OperationFailed', data: { operationId: id, reason: FULL } },
  ]);
  foreign = await operation('create-volume', () => [], 'other');
});
afterAll(() => server.close());

const ids = async (query = '', options: object = {}): Promise<readonly string[]> =>
  (await server.get(`/v3/operations${query}`, options)).json.operations.map(({ id }: { id: string }) => id);

describe('listing operations', () => {
  it('shows the project’s own, newest first, and everybody’s to administrators who ask', async () => {
    expect(await ids('', { token: READER })).toEqual([failed, running, parked]);
    expect(await ids('', { token: STRANGER })).toEqual([foreign]);
    expect(await ids('?all_tenants=1')).toEqual([foreign, failed, running, parked]);
    expect(await ids('?all_tenants=1', { token: MEMBER })).not.toContain(foreign);
  });

  it('filters by status, kind, resource, volume and request', async () => {
    expect(await ids('?status=parked')).toEqual([parked]);
    expect(await ids('?kind=create-volume')).toEqual([failed, parked]);
    expect(await ids(`?resource_id=v-${running}`)).toEqual([running]);
    expect(await ids(`?volume_id=v-${running}`, { token: MEMBER })).toEqual([running]);
    expect(await ids(`?request_id=req-${failed}`)).toEqual([failed]);
    expect(await ids('?status=nosuch')).toEqual([]);
    expect((await server.get('/v3/operations?colour=red', { token: MEMBER })).status).toBe(400);
  });

  it('pages by marker with a next link, and sorts', async () => {
    const { json } = await server.get('/v3/demo/operations?limit=2&sort=kind:asc');
    expect(json.operations).toHaveLength(2);
    const [next] = json.operations_links;
    expect(next.href).toContain('/v3/demo/operations?');
    const rest = await server.get(next.href.slice(server.url.length));
    expect(rest.json.operations.map(({ id }: { id: string }) => id)).toEqual([running]);
    expect((await server.get(`/v3/operations?marker=${foreign}`, { token: MEMBER })).status).toBe(404);
  });

  it('says where each stands', async () => {
    const { json } = await server.get('/v3/demo/operations?status=parked');
    expect(json.operations[0]).toMatchObject({
      id: parked,
      kind: 'create-volume',
      status: 'parked',
      resource_type: 'volume',
      resource_id: `v-${parked}`,
      volume_id: `v-${parked}`,
      project_id: 'demo',
      user_id: 'ann',
      request_id: `req-${parked}`,
      steps: ['place', 'claim', 'provision'],
      step: 'provision',
      retry_at: null,
      ended_at: null,
    });
    expect(json.operations[0].created_at).toMatch(TIME);
    expect(json.operations[0].links[0].href).toBe(`${server.url}/v3/demo/operations/${parked}`);
  });
});

describe('one operation', () => {
  const show = async (id: string, token: string) =>
    (await server.get(`/v3/operations/${id}`, { token })).json.operation;

  it('has a timeline of all that happened to it', async () => {
    const { timeline } = await show(parked, ADMIN);
    expect(timeline.map(({ event, step }: { event: string; step: string | null }) => [event, step])).toEqual([
      ['OperationStarted', null],
      ['StepSucceeded', 'place'],
      ['StepStarted', 'provision'],
      ['OperationParked', null],
    ]);
    expect(timeline[3]).toMatchObject({ reason: SECRET.message, attempt: null });
    expect(timeline[2]).toMatchObject({ attempt: 1, reason: null });
    expect(timeline[0].at).toMatch(TIME);
  });

  it('tells users that a driver failed, but not what it said', async () => {
    expect((await show(parked, ADMIN)).reason).toEqual(SECRET);
    const users = await show(parked, MEMBER);
    expect(users.reason).toEqual({ code: 'DriverFailed', message: null });
    expect(JSON.stringify(users)).not.toContain('secret');
  });

  it('tells users why no pool could take their volume', async () => {
    expect((await show(failed, MEMBER)).reason).toEqual(FULL);
    expect(await show(failed, MEMBER)).toMatchObject({ status: 'failed', ended_at: expect.stringMatching(TIME) });
  });

  it('is not found where there is none, nor by strangers', async () => {
    for (const id of [foreign, 'nosuch']) {
      const answer = await server.get(`/v3/operations/${id}`, { token: MEMBER });
      expect(answer.json.itemNotFound.message).toBe(`Operation ${id} could not be found.`);
    }
  });
});

describe('resuming an operation', () => {
  const act = (id: string, body: object, token = ADMIN) => server.post(`/v3/operations/${id}/action`, body, { token });

  it('goes on with a parked one, once', async () => {
    const id = await operation('create-volume', (one) => [park(one)]);
    const answer = await act(id, { retry: null });
    expect([answer.status, answer.text]).toEqual([202, '']);
    const { operation: resumed } = (await server.get(`/v3/operations/${id}`)).json;
    expect(resumed.status).toBe('running');
    expect(resumed.timeline.at(-1)).toMatchObject({ event: 'OperationResumed' });
    const again = await act(id, { retry: {} });
    expect(again.status).toBe(409);
    expect(again.json.conflictingRequest.message).toContain('it is running');
  });

  it('abandons a parked one', async () => {
    const id = await operation('create-volume', (one) => [park(one)]);
    expect((await act(id, { abandon: null })).status).toBe(202);
    expect((await server.get(`/v3/operations/${id}`)).json.operation.status).not.toBe('parked');
  });

  it.each(['retry', 'abandon'])(
    '%s is refused for what is not parked, is not there, or is not an administrator’s',
    async (action) => {
      expect((await act(running, { [action]: null })).status).toBe(409);
      expect((await act('nosuch', { [action]: null })).status).toBe(404);
      expect((await act(parked, { [action]: null }, MEMBER)).status).toBe(403);
      expect((await act(foreign, { [action]: null }, MEMBER)).status).toBe(404);
      expect((await act(parked, { [action]: { force: true } })).status).toBe(400);
      expect((await act(parked, { explode: null })).json.badRequest.message).toContain('There is no such action');
    },
  );
});
