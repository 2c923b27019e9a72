import type { ServiceEvent } from '../domain/service/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import type { Projection, Recorded } from './projection.ts';

/** Collection `services`: `id` is `binary@host`. Up or down is judged from the heartbeat in Coordination. */
export interface ServiceDocument extends Document {
  readonly id: string;
  readonly binary: string;
  readonly host: string;
  readonly serviceUuid: string;
  readonly availabilityZone: string;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly frozen: boolean;
  readonly createdAt: number;
  readonly updatedAt: number | null;
}

export const servicesCollection: CollectionSpec = { name: 'services', version: 1, indexes: [] };

export const servicesProjection: Projection<ServiceDocument> = {
  collection: servicesCollection,
  streams: { prefixes: ['service-'] },
  idsOf: (event: Recorded<ServiceEvent>) => [`${event.data.binary}@${event.data.host}`],
  apply: (document: ServiceDocument | null, event: Recorded<ServiceEvent>, id: string) => {
    const { at } = event.metadata;
    if (event.type === 'ServiceRegistered') {
      const { binary, host, serviceUuid, availabilityZone } = event.data;
      const said = { binary, host, serviceUuid, availabilityZone };
      if (document !== null) return { ...document, ...said, updatedAt: at };
      return { id, ...said, enabled: true, disabledReason: null, frozen: false, createdAt: at, updatedAt: null };
    }
    if (document === null) return null;
    switch (event.type) {
      case 'ServiceEnabled':
        return { ...document, enabled: true, disabledReason: null, updatedAt: at };
      case 'ServiceDisabled':
        return { ...document, enabled: false, disabledReason: event.data.reason, updatedAt: at };
      // a frozen backend is disabled too, a thawed one enabled (contract/states.json host.freeze, host.thaw)
      case 'ServiceFrozen':
        return { ...document, frozen: true, enabled: false, disabledReason: 'frozen', updatedAt: at };
      case 'ServiceThawed':
        return { ...document, frozen: false, enabled: true, disabledReason: null, updatedAt: at };
      default:
        return document;
    }
  },
};

export interface ServiceQueries {
  get(binary: string, host: string): Promise<ServiceDocument | null>;
  all(): Promise<readonly ServiceDocument[]>;
}

export const createServiceQueries = (readStore: ReadStore): ServiceQueries => ({
  get: async (binary, host) =>
    (await readStore.get(servicesCollection.name, `${binary}@${host}`)) as ServiceDocument | null,
  all: async () => (await readStore.find(servicesCollection.name, {})) as readonly ServiceDocument[],
});
