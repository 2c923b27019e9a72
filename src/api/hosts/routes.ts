import { z } from 'zod';
import { VOLUME_BINARY } from '../../commands/frozen.ts';
import { reject } from '../../domain/kernel/rejection.ts';
import { type Call, commandContextOf, param, settled } from '../call.ts';
import { badRequest, faultOf } from '../faults.ts';
import { type AnyRoute, route } from '../route.ts';
import { always } from '../schema-versions.ts';
import { type LiveService, liveServices } from '../services/liveness.ts';
import { apiTimeOrNull } from '../times.ts';
import { type HostUsage, hostUsage, totalUsage } from './usage.ts';

/**
 * Hosts as administrators see them. Disabled ones are shown too: the original leaves them out, so that none could ever
 * be enabled here (docs/differences.md).
 */

const POLICY = 'volume_extension:hosts';

const hostView = ({ service, up, updatedAt }: LiveService): object => ({
  host_name: service.host,
  service: service.binary,
  zone: service.availabilityZone,
  'service-status': up ? 'available' : 'unavailable',
  'service-state': service.enabled ? 'enabled' : 'disabled',
  'last-update': apiTimeOrNull(updatedAt),
});

/** Numbers are texts here, as in the original. */
const usageView = (host: string, project: string, usage: HostUsage): object => ({
  resource: {
    host,
    project,
    volume_count: String(usage.volumes),
    total_volume_gb: String(usage.volumesGiB),
    snapshot_count: String(usage.snapshots),
    total_snapshot_gb: String(usage.snapshotsGiB),
  },
});

async function servicesOfHost(call: Call): Promise<readonly LiveService[]> {
  const host = param(call, 'host_name');
  const services = (await liveServices(call)).filter(({ service }) => service.host === host);
  if (services.length === 0) throw faultOf(reject('HostNotFound', { id: host }));
  return services;
}

/** Key and value are taken in any case; the original's schema knows the lower one alone and lets others through. */
const updateBody = always(() =>
  z.looseObject({ status: z.enum(['enable', 'disable']).optional() }).transform((body) => {
    let enabled: boolean | null = null;
    for (const [key, value] of Object.entries(body)) {
      if (key.toLowerCase().trim() !== 'status') throw badRequest(`Invalid update setting: '${key}'`);
      const status = typeof value === 'string' ? value.toLowerCase().trim() : '';
      if (status !== 'enable' && status !== 'disable') throw badRequest(`Invalid status: '${String(value)}'`);
      enabled = status === 'enable';
    }
    return { enabled };
  }),
);

export const hostRoutes: readonly AnyRoute[] = [
  route({
    id: 'hosts-list',
    method: 'GET',
    path: '/os-hosts',
    summary: 'List hosts and their services',
    status: 200,
    policy: POLICY,
    query: always(() => z.looseObject({ zone: z.string().optional() })),
    handler: async (call, { query: { zone = '' } }) => {
      const services = (await liveServices(call)).filter(
        ({ service }) => zone === '' || service.availabilityZone === zone,
      );
      return { hosts: services.map(hostView) };
    },
  }),
  route({
    id: 'hosts-show',
    method: 'GET',
    path: '/os-hosts/{host_name}',
    summary: 'Show what each project has on a host',
    status: 200,
    policy: POLICY,
    handler: async (call) => {
      const host = param(call, 'host_name');
      const services = await servicesOfHost(call);
      if (!services.some(({ service }) => service.binary === VOLUME_BINARY)) {
        throw faultOf(reject('HostNotFound', { id: host }));
      }
      const usage = await hostUsage(call, host);
      const rows = [...usage].map(([projectId, ofProject]) => usageView(host, projectId, ofProject));
      return { host: [usageView(host, '(total)', totalUsage(usage.values())), ...rows] };
    },
  }),
  route({
    id: 'hosts-update',
    method: 'PUT',
    path: '/os-hosts/{host_name}',
    summary: 'Enable or disable the services of a host',
    status: 200,
    policy: POLICY,
    body: updateBody,
    handler: async (call, { body: { enabled } }) => {
      const host = param(call, 'host_name');
      const services = await servicesOfHost(call);
      if (enabled === null) return {};
      const { enable, disable } = call.deps.commands.services;
      for (const { service } of services) {
        const named = { binary: service.binary, host };
        const context = commandContextOf(call);
        await settled(call, await (enabled ? enable(named, context) : disable({ ...named, reason: null }, context)));
      }
      return { host, status: enabled ? 'enabled' : 'disabled' };
    },
  }),
  route({
    id: 'hosts-update-collection',
    method: 'PUT',
    path: '/os-hosts',
    summary: 'Answers 400: no host is named',
    status: 200,
    policy: POLICY,
    body: always(() =>
      z.unknown().refine(() => false, {
        params: { whole: true },
        error: () => 'Invalid input received: no host is named in the path.',
      }),
    ),
    handler: () => undefined,
  }),
];
