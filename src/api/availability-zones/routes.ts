import { VOLUME_BINARY } from '../../commands/frozen.ts';
import { type AnyRoute, route } from '../route.ts';

export const availabilityZoneRoutes: readonly AnyRoute[] = [
  route({
    id: 'availability-zones-list',
    method: 'GET',
    path: '/os-availability-zone',
    summary: 'List availability zones; one is available while a volume service in it is enabled',
    status: 200,
    policy: null,
    handler: async ({ deps }) => {
      const available = new Map<string, boolean>();
      for (const { binary, availabilityZone, enabled } of await deps.queries.services.all()) {
        if (binary !== VOLUME_BINARY) continue;
        available.set(availabilityZone, enabled || (available.get(availabilityZone) ?? false));
      }
      const zones = [...available].map(([zoneName, isAvailable]) => ({
        zoneName,
        zoneState: { available: isAvailable },
      }));
      return { availabilityZoneInfo: zones };
    },
  }),
];
