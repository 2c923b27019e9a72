import { serviceAggregate, serviceStream } from '../../src/commands/streams.ts';
import type { TestServer } from './server.ts';

/** A service as its worker makes it known: registered, and with a sign of life `beatAgoMs` ago (null: none). */
export interface Registered {
  readonly binary?: string;
  readonly host: string;
  readonly zone?: string;
  readonly beatAgoMs?: number | null;
}

/** Registers services and waits until the API lists them. */
export async function registerServices(server: TestServer, services: readonly Registered[]): Promise<void> {
  for (const { binary = 'cinder-volume', host, zone = 'nova', beatAgoMs = 0 } of services) {
    const commandId = crypto.randomUUID();
    const outcome = await server.handler.handle(
      serviceAggregate,
      serviceStream(binary, host),
      { type: 'RegisterService', binary, host, availabilityZone: zone, serviceUuid: crypto.randomUUID() },
      {
        commandId,
        causationId: commandId,
        correlationId: `req-${commandId}`,
        actor: { userId: 'scoria', projectId: 'scoria', roles: [], kind: 'system' },
      },
    );
    if (outcome.kind === 'rejected') throw new Error(outcome.rejection.message);
    if (beatAgoMs !== null) await server.stores.coordination.beat(`${binary}@${host}`, Date.now() - beatAgoMs, {});
  }
  const hosts = services.map(({ host }) => host);
  for (;;) {
    const { json } = await server.get('/v3/os-services');
    const listed: readonly string[] = json.services.map(({ host }: { host: string }) => host);
    if (hosts.every((host) => listed.includes(host))) return;
  }
}
