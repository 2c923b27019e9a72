import { z } from 'zod';
import type { CommandResult } from '../../commands/dependencies.ts';
import { VOLUME_BINARY } from '../../commands/frozen.ts';
import { poolAddressOf } from '../../domain/placement/index.ts';
import { type Call, commandContextOf, settled } from '../call.ts';
import { badRequest } from '../faults.ts';
import { type AnyRoute, route } from '../route.ts';
import { always } from '../schema-versions.ts';
import { isOnHost, liveServices } from './liveness.ts';
import { disableBody, freezeBody, serviceBody } from './schemas.ts';
import { BACKEND_STATES, serviceView } from './views.ts';

const UPDATE = 'volume_extension:services:update';
const CLUSTERS_FREEZE = 26;

interface Named {
  readonly binary?: string | undefined;
  readonly service?: string | undefined;
  readonly host?: string | null | undefined;
}

/** Host and binary that a body names; `service` is the old word for `binary`. */
function serviceOf({ binary = '', service = '', host }: Named): { readonly binary: string; readonly host: string } {
  if (host === undefined || host === null) throw badRequest('Invalid input received: Host field is missing.');
  return { binary: binary === '' ? service : binary, host };
}

/** What enable and disable answer: the body's own words and the new status. */
const changedView = ({ binary = '', service = '', host }: Named, enabled: boolean): object => ({
  host,
  service,
  binary,
  status: enabled ? 'enabled' : 'disabled',
  disabled: !enabled,
});

interface HostOrCluster {
  readonly host?: string | null | undefined;
  readonly cluster?: string | null | undefined;
}

/** The host of a freeze or thaw; from 3.26 a cluster may be named in its place, but there are none. */
function frozenHost({ microversion }: Call, body: HostOrCluster): string {
  const host = body.host ?? '';
  const cluster = microversion < CLUSTERS_FREEZE ? '' : (body.cluster ?? '');
  if (host !== '' && cluster === '') return host;
  if (host === '' && cluster !== '') throw badRequest(`Invalid input received: Cluster ${cluster} could not be found.`);
  const missing =
    microversion < CLUSTERS_FREEZE ? 'Host field is missing.' : 'One and only one of cluster and host must be set.';
  throw badRequest(`Invalid input received: ${missing}`);
}

const done = async (call: Call, result: Promise<CommandResult>): Promise<void> => {
  await settled(call, await result);
};

export const serviceRoutes: readonly AnyRoute[] = [
  route({
    id: 'services-list',
    method: 'GET',
    path: '/os-services',
    summary: 'List services and whether they are up',
    status: 200,
    policy: 'volume_extension:services:index',
    query: always(() => z.looseObject({ host: z.string().optional(), binary: z.string().optional() })),
    handler: async (call, { query: { host = '', binary = '' } }) => {
      const services = (await liveServices(call)).filter(
        ({ service }) => (host === '' || isOnHost(service, host)) && (binary === '' || service.binary === binary),
      );
      const usable = call.microversion < BACKEND_STATES ? [] : (await call.deps.poolReports.read()).usable;
      const inUse = new Set(usable.map(({ pool }) => poolAddressOf(pool).backend));
      return {
        services: services.map((live) => serviceView(call, live, inUse.has(live.service.host) ? 'up' : null)),
      };
    },
  }),
  route({
    id: 'services-enable',
    method: 'PUT',
    path: '/os-services/enable',
    summary: 'Enable a service',
    status: 200,
    policy: UPDATE,
    body: serviceBody,
    handler: async (call, { body }) => {
      await done(call, call.deps.commands.services.enable(serviceOf(body), commandContextOf(call)));
      return changedView(body, true);
    },
  }),
  route({
    id: 'services-disable',
    method: 'PUT',
    path: '/os-services/disable',
    summary: 'Disable a service: nothing new is placed on it',
    status: 200,
    policy: UPDATE,
    body: serviceBody,
    handler: async (call, { body }) => {
      const command = { ...serviceOf(body), reason: null };
      await done(call, call.deps.commands.services.disable(command, commandContextOf(call)));
      return changedView(body, false);
    },
  }),
  route({
    id: 'services-disable-log-reason',
    method: 'PUT',
    path: '/os-services/disable-log-reason',
    summary: 'Disable a service and say why',
    status: 200,
    policy: UPDATE,
    body: disableBody,
    handler: async (call, { body }) => {
      const reason = body.disabled_reason ?? null;
      const command = { ...serviceOf(body), reason };
      await done(call, call.deps.commands.services.disable(command, commandContextOf(call)));
      return { ...changedView(body, false), disabled_reason: reason };
    },
  }),
  route({
    id: 'services-freeze',
    method: 'PUT',
    path: '/os-services/freeze',
    summary: 'Freeze a backend: its volumes stay as they are',
    status: 200,
    policy: [UPDATE, 'volume:freeze_host'],
    body: freezeBody,
    handler: (call, { body }) => {
      const service = { binary: VOLUME_BINARY, host: frozenHost(call, body) };
      return done(call, call.deps.commands.services.freeze(service, commandContextOf(call)));
    },
  }),
  route({
    id: 'services-thaw',
    method: 'PUT',
    path: '/os-services/thaw',
    summary: 'Thaw a frozen backend',
    status: 200,
    policy: [UPDATE, 'volume:thaw_host'],
    body: freezeBody,
    handler: (call, { body }) => {
      const service = { binary: VOLUME_BINARY, host: frozenHost(call, body) };
      return done(call, call.deps.commands.services.thaw(service, commandContextOf(call)));
    },
  }),
];
