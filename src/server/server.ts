import type { FastifyInstance } from 'fastify';
import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import { systemClock } from '../adapters/system/clock.ts';
import { createHealthApp } from '../api/health.ts';
import { type Config, isShared, type Role } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import { createApi } from './api.ts';
import { createCore } from './core.ts';
import { healthOver } from './engine-health.ts';
import { startEventStoreAlone } from './event-store-alone.ts';
import { serveEventStoreProtocol } from './event-store-protocol.ts';
import { connectionLimits, createHealth } from './health.ts';
import { createOperations } from './operations.ts';
import { startReadModels } from './read-models.ts';
import { type Stops, stopInOrder } from './stopping.ts';
import { openStores } from './stores.ts';
import { type Attempt, startWhenEnginesAnswer } from './waiting-for-engines.ts';

/** A server that runs. */
export interface Server {
  /** Base address of the API, or of health and metrics without the role `api`; null where neither listens. */
  readonly url: string | null;
  /** Port where EventStoreDB's protocol is served; null where it is not. */
  readonly eventStorePort: number | null;
  /** Resolves once no request, operation or write is under way; what is unfinished is gone on with at the next start. */
  stop(): Promise<void>;
}

type Started = Omit<Server, 'stop'>;
/** Takes what is to be stopped: the last first; what came in one call together. */
type Later = (...stops: Stops) => void;

/**
 * Builds the adapters, starts the chosen roles and listens. Throws when the data directory is another server's, a file is
 * damaged, or the port is taken; then nothing is left running. Engines that are away are waited for.
 */
export async function startServer(config: Config, logger: Logger, clock: Clock = systemClock): Promise<Server> {
  return startWhenEnginesAnswer({ config, logger, clock }, (attempt) => startOnce(config, logger, clock, attempt));
}

async function startOnce(config: Config, logger: Logger, clock: Clock, attempt: Attempt): Promise<Server> {
  const stops: Stops[] = [];
  const later: Later = (...together) => stops.push(together);
  const stop = (): Promise<void> => stopInOrder(stops.splice(0).reverse());
  try {
    const start = config.roles.includes('eventstore') ? startAlone : startRoles;
    return { ...(await start(config, logger, clock, later, attempt)), stop };
  } catch (error) {
    await stop().catch((err) => logger.warn({ err }, 'what was started cannot be stopped in order'));
    throw error;
  }
}

/** api, projections, operations, storage: those that are chosen, over the same stores. */
async function startRoles(
  config: Config,
  logger: Logger,
  clock: Clock,
  later: Later,
  { awaited, freePort }: Attempt,
): Promise<Started> {
  const has = (...roles: readonly Role[]): boolean => roles.some((role) => config.roles.includes(role));
  const stores = await openStores(config, clock, logger, awaited);
  later(() => stores.close());
  const core = createCore({ config, stores, clock, logger, workerId: nanoid() });
  later(() => core.refusals.settled());

  const readModels = has('projections', 'api') ? await startReadModels(core) : null;
  if (readModels !== null) later(() => readModels.stop());
  const operations = has('operations', 'storage') ? createOperations(core) : null;
  let app: FastifyInstance | null = null;
  // together: a slow client must not keep the leases from whoever goes on
  later(
    async () => app?.close(),
    async () => operations?.stop(),
    async () => (isShared(config) ? readModels?.stop() : undefined),
  );
  await operations?.start();
  const health = healthOver(await createHealth(core, { readModels, operations }), core);
  app =
    readModels !== null && has('api')
      ? await createApi(core, readModels.seen, health)
      : createHealthApp(health, connectionLimits(config));
  const protocol = await serveEventStoreProtocol(config.eventStoreServer, stores.eventStore, logger, {
    writable: false,
  });
  if (protocol !== null) later(() => protocol.close());
  await freePort();
  const url = await listen(app, config);
  logger.info({ url, roles: config.roles, dataDir: config.dataDir }, 'scoria runs');
  return { url, eventStorePort: protocol?.port ?? null };
}

async function startAlone(config: Config, logger: Logger, clock: Clock, later: Later): Promise<Started> {
  const { port, health } = await startEventStoreAlone(config, logger, clock, later);
  const app = createHealthApp(health, connectionLimits(config));
  const url = await listen(app, config);
  later(() => app.close());
  logger.info({ url, port, dataDir: config.dataDir }, "scoria serves EventStoreDB's protocol");
  return { url, eventStorePort: port };
}

/** Null where no port is said: then there is nobody to listen to. */
const listen = async (app: FastifyInstance, { server }: Config): Promise<string | null> =>
  server.port === null ? null : app.listen({ host: server.host, port: server.port });
