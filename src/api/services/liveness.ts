import type { ServiceDocument } from '../../projections/services.ts';
import type { Call } from '../call.ts';

/** A registered service and what its heartbeat says. */
export interface LiveService {
  readonly service: ServiceDocument;
  readonly up: boolean;
  /** When it last gave a sign of life or was changed by an operator; null: never. */
  readonly updatedAt: number | null;
}

/** Every service that ever registered, by name; one without a beat for longer than the configured time is down. */
export async function liveServices(call: Call): Promise<readonly LiveService[]> {
  const { queries, heartbeats, clock, config } = call.deps;
  const [services, beats] = await Promise.all([queries.services.all(), heartbeats.heartbeats()]);
  const beatAt = new Map(beats.map(({ service, at }) => [service, at]));
  return services.map((service) => {
    const beat = beatAt.get(service.id) ?? null;
    const up = clock.now() - (beat ?? service.createdAt) <= config.serviceDownAfterMs;
    const signs = [beat, service.updatedAt].filter((at) => at !== null);
    return { service, up, updatedAt: signs.length === 0 ? null : Math.max(...signs) };
  });
}

/** Whether a service lives on a host: a host without a backend stands for all of its backends. */
export const isOnHost = ({ host }: ServiceDocument, named: string): boolean =>
  host === named || host.startsWith(`${named}@`);
