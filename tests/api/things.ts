import { pino } from 'pino';
import { z } from 'zod';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { createApp } from '../../src/api/app.ts';
import { createNoAuthAuthenticator } from '../../src/api/auth.ts';
import { settled } from '../../src/api/call.ts';
import type { ApiDependencies } from '../../src/api/dependencies.ts';
import { notFound } from '../../src/api/faults.ts';
import { createPolicy } from '../../src/api/policy.ts';
import { type AnyRoute, firstSegmentsOf, route } from '../../src/api/route.ts';
import { always, andFrom } from '../../src/api/schema-versions.ts';
import { UnreadableEvent } from '../../src/domain/kernel/event.ts';
import { type RejectionCode, reject } from '../../src/domain/kernel/rejection.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import { type Client, listen } from './http-client.ts';

/** A resource of its own, so that these tests speak of the core alone. */
const things = { red: { projectId: 'demo' }, blue: { projectId: 'other' } } as const;

const throwing: Readonly<Record<string, () => unknown>> = {
  bug: () => new Error('select * from secrets'),
  down: () => new StoreUnavailable('no quorum', 'not-done', 2_500),
  newer: () => new UnreadableEvent('VolumeFlown', 9, 'unknown type'),
};

const refusing = (code: RejectionCode, details: Record<string, unknown>): AnyRoute =>
  route({
    id: `refuse-${code}`,
    method: 'POST',
    path: `/refusals/${code}`,
    summary: 'Refuses',
    status: 202,
    policy: null,
    handler: (call) => settled(call, { kind: 'rejected', rejection: reject(code, details) }),
  });

const routes: readonly AnyRoute[] = [
  route({
    id: 'things-list',
    method: 'GET',
    path: '/things',
    summary: 'List',
    status: 200,
    policy: 'volume:get_all',
    handler: ({ microversion, params }) => ({ microversion, project: params.project_id ?? null }),
  }),
  route({
    id: 'things-create',
    method: 'POST',
    path: '/things',
    summary: 'Create',
    status: 202,
    policy: 'volume:create',
    body: andFrom(
      always(() => z.object({ thing: z.object({ size: z.int().min(1) }) })),
      53,
      () => z.strictObject({ thing: z.strictObject({ size: z.int().min(1) }) }),
    ),
    handler: (_call, { body }) => body,
  }),
  route({
    id: 'things-show',
    method: 'GET',
    path: '/things/{thing_id}',
    summary: 'Show',
    status: 200,
    policy: 'volume:get',
    handler: ({ params }) => ({ id: params.thing_id }),
  }),
  route({
    id: 'things-late',
    method: 'GET',
    path: '/things/late',
    since: 12,
    until: 40,
    summary: 'Late',
    status: 200,
    policy: null,
    handler: () => ({}),
  }),
  ...(['grow', 'shrink'] as const).map((action) =>
    route({
      id: `things-${action}`,
      method: 'POST',
      path: '/things/{thing_id}/action',
      action,
      ...(action === 'shrink' ? { since: 20 } : {}),
      summary: action,
      status: 202,
      policy: action === 'shrink' ? 'volume:force_delete' : 'volume:extend',
      body: always(() => z.strictObject({ [action]: z.strictObject({ by: z.int() }).nullable() })),
      target: async ({ params, caller }) => {
        const thing = things[params.thing_id as keyof typeof things];
        if (thing === undefined || (!caller.isAdmin && thing.projectId !== caller.projectId)) {
          throw notFound(`Thing ${params.thing_id} could not be found.`);
        }
        return thing;
      },
      handler: () => undefined,
    }),
  ),
  route({
    id: 'throw',
    method: 'GET',
    path: '/throws/{what}',
    summary: 'Throws',
    status: 200,
    policy: null,
    handler: ({ params }) => {
      throw throwing[params.what ?? '']?.();
    },
  }),
  route({
    id: 'hang',
    method: 'GET',
    path: '/hangs/{ms}',
    summary: 'Answers late',
    status: 200,
    policy: null,
    handler: async ({ params }) => {
      await systemClock.sleep(Number(params.ms));
      if (params.ms === '301') throw new Error('late, and broken');
      return {};
    },
  }),
  refusing('InvalidVolume', { reason: 'it is busy' }),
  refusing('VolumeNotFound', { id: 'v1' }),
  refusing('Conflict', { reason: 'not now' }),
  refusing('VolumeLimitExceeded', { limit: 10, resource: 'volumes' }),
  refusing('TryAgain', { reason: 'busy' }),
];

/** A server of things; what it logs at level warn and above is kept. */
export interface ThingServer extends Client {
  readonly logged: readonly string[];
  close(): Promise<void>;
}

export async function startThingServer(config: Partial<ApiDependencies['config']> = {}): Promise<ThingServer> {
  const logged: string[] = [];
  const deps = {
    commands: {},
    queries: {},
    waitFor: async () => {},
    auth: createNoAuthAuthenticator(firstSegmentsOf(routes)),
    policy: createPolicy(),
    config: { maxLimit: 1_000, publicEndpoint: null, ...config },
    clock: systemClock,
    logger: pino({ level: 'warn' }, { write: (line) => logged.push(line) }),
    readiness: () => ({ ready: false, missing: ['read models'] }),
  } as unknown as ApiDependencies;
  const app = createApp(deps, routes);
  return { ...(await listen(app)), logged, close: () => app.close() };
}
