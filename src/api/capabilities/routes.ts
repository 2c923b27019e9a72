import { type PoolReport, poolAddressOf } from '../../domain/placement/index.ts';
import { type Call, param } from '../call.ts';
import { notFound } from '../faults.ts';
import { type AnyRoute, route } from '../route.ts';

interface Property {
  readonly title: string;
  readonly description: string;
  readonly has: (report: PoolReport) => boolean;
}

/** What types may ask a backend for, each shown where one of its pools has it. */
const PROPERTIES: Readonly<Record<string, Property>> = {
  thin_provisioning: {
    title: 'Thin Provisioning',
    description: 'Sets thin provisioning.',
    has: ({ thinProvisioning }) => thinProvisioning,
  },
  multiattach: {
    title: 'Multiattach',
    description: 'Lets a volume be attached more than once.',
    has: ({ multiattach }) => multiattach,
  },
  compression: {
    title: 'Compression',
    description: 'Enables compression.',
    has: ({ capabilities }) => capabilities.compression === true,
  },
  qos: { title: 'QoS', description: 'Enables QoS.', has: ({ capabilities }) => capabilities.QoS_support === true },
  replication_enabled: {
    title: 'Replication',
    description: 'Enables replication.',
    has: ({ capabilities }) => capabilities.replication_enabled === true,
  },
};

/** Pools of `host@backend`, or the one of `host@backend#pool`, whether they may be used now or not. */
async function reportsOf(call: Call, host: string): Promise<readonly [PoolReport, ...PoolReport[]]> {
  const { usable, unusable } = await call.deps.poolReports.read();
  const reports = [...usable, ...unusable.map(({ report }) => report)];
  const [first, ...more] = reports.filter(({ pool }) => pool === host || poolAddressOf(pool).backend === host);
  if (first === undefined) throw notFound(`Can't find service: ${host}`);
  return [first, ...more];
}

export const capabilityRoutes: readonly AnyRoute[] = [
  route({
    id: 'capabilities-show',
    method: 'GET',
    path: '/capabilities/{hostname}',
    summary: 'Show what volume types may ask of a backend',
    status: 200,
    policy: 'volume_extension:capabilities',
    handler: async (call) => {
      const host = param(call, 'hostname');
      const reports = await reportsOf(call, host);
      const [report] = reports;
      const properties = Object.entries(PROPERTIES)
        .filter(([, { has }]) => reports.some(has))
        .map(([name, { title, description }]) => [name, { title, description, type: 'boolean' }] as const);
      return {
        namespace: `OS::Storage::Capabilities::${host}`,
        vendor_name: report.vendorName,
        volume_backend_name: report.backendName,
        pool_name: reports.length === 1 ? poolAddressOf(report.pool).pool : null,
        driver_version: report.driverVersion,
        storage_protocol: report.storageProtocol,
        display_name: null,
        description: null,
        visibility: null,
        replication_targets: [],
        properties: Object.fromEntries(properties),
      };
    },
  }),
];
