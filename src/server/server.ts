import type { FastifyInstance } from 'fastify';
import { nanoid } from 'nanoid';
import type { Logger } from 'pino';
import { systemClock } from '../adapters/system/clock.ts';
import { watchPlacementOptions } from '../adapters/system/placement-options-file.ts';
import { createApp } from '../api/app.ts';
import { createNoAuthAuthenticator } from '../api/auth.ts';
import type { Readiness } from '../api/dependencies.ts';
import { createPolicy } from '../api/policy.ts';
import { firstSegmentsOf } from '../api/route.ts';
import { ROUTES } from '../api/routes.ts';
import { randomIds } from '../commands/dependencies.ts';
import { type CommandContext, type CommandHandler, createCommandHandler } from '../commands/handle.ts';
import { createRefusalRecorder } from '../commands/refusals.ts';
import type { Config } from '../config.ts';
import { PLACEMENT_PRESETS } from '../domain/placement/index.ts';
import type { Clock } from '../ports/clock.ts';
import { allProjections } from '../projections/all.ts';
import { decodeRecorded } from '../projections/catalogue.ts';
import { createProjectionRunner } from '../projections/runner.ts';
import { createPoolReports } from '../sagas/pool-reports.ts';
import { createCommands, createQueries, quotaDefaults } from './commands.ts';
import { serveEventStoreProtocol } from './event-store-protocol.ts';
import { serverMetrics } from './metrics.ts';
import { createOperations } from './operations.ts';
import { openStores } from './stores.ts';

/** A server that runs. */
export interface Server {
  /** Base address of the API, as it listens; null without the role `api`. */
  readonly url: string | null;
  /** Port where EventStoreDB's protocol is served; null where it is not. */
  readonly eventStorePort: number | null;
  /** Resolves once no request, operation or write is under way; what is unfinished is gone on with at the next start. */
  stop(): Promise<void>;
}

/** How long an answer waits for the read models (DESIGN section 6). */
const READ_YOUR_WRITES_MS = 2_000;

/**
 * Builds the adapters, starts the chosen roles and listens. Throws when the data directory is another server's, a file is
 * damaged, or the port is taken; then nothing is left running.
 */
export async function startServer(config: Config, logger: Logger, clock: Clock = systemClock): Promise<Server> {
  const stores = await openStores(config, clock, logger);
  const stops: (() => Promise<void>)[] = [() => stores.close()];
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.splice(0).reverse()) await stopOne();
  };
  try {
    const { eventStore, readStore, coordination, exclusive } = stores;
    const handlerOf: { current: CommandHandler | null } = { current: null };
    const refusals = createRefusalRecorder({ handler: () => required(handlerOf.current), clock, ids: randomIds });
    const handler = createCommandHandler({ eventStore, clock, exclusive, onRefused: refusals.sink });
    handlerOf.current = handler;
    stops.push(() => refusals.settled());

    const projections = createProjectionRunner({
      eventStore,
      readStore,
      projections: allProjections,
      decode: decodeRecorded,
      logger,
      clock,
    });
    await projections.start();
    stops.push(() => projections.stop());

    const reports = createPoolReports({
      coordination,
      handler,
      clock,
      downAfterMs: config.scheduler.serviceDownSeconds * 1000,
    });
    const { optionsFile } = config.scheduler;
    const placementOptions =
      optionsFile === null
        ? () => PLACEMENT_PRESETS.filter
        : watchPlacementOptions(optionsFile, clock, (error) =>
            logger.error({ err: error, file: optionsFile }, 'placement options cannot be used: the ones before stay'),
          );
    const queries = createQueries(readStore);
    const commands = createCommands({
      config,
      handler,
      clock,
      queries,
      reports,
      placementOptions,
      onRefused: refusals.sink,
    });
    await commands.volumeTypes.ensureDefault(atStart('ensure-default-type'));
    const operations = createOperations({
      config,
      stores,
      handler,
      clock,
      reports,
      placementOptions,
      workerId: nanoid(),
      logger,
    });
    await operations.start();
    stops.push(() => operations.stop());

    // What was acknowledged before a crash is read by the first client after it; a long way behind is gone while serving.
    const found = await eventStore.head();
    let caughtUp = found === null || (await projections.waitFor(found, READ_YOUR_WRITES_MS));

    const readiness = (): Readiness => {
      const status = projections.status();
      caughtUp ||= status.every(({ lag, position }) => lag === 0 || (position ?? 0n) >= (found ?? 0n));
      const missing = [
        ...operations.missing(),
        ...status.flatMap(({ name, stopped }) => (stopped === null ? [] : [`projection ${name}: ${stopped}`])),
        ...(caughtUp ? [] : ['read models have yet to reach where the log stood at the start']),
      ];
      return { ready: missing.length === 0, missing };
    };
    const app = createApp({
      commands,
      queries,
      poolReports: reports,
      heartbeats: coordination,
      placementOptions,
      projectionRunner: projections,
      waitFor: async (position) => {
        await projections.waitFor(position, READ_YOUR_WRITES_MS);
      },
      auth: createNoAuthAuthenticator(firstSegmentsOf(ROUTES)),
      policy: createPolicy(),
      config: {
        maxLimit: config.server.maxLimit,
        publicEndpoint: config.server.publicEndpoint,
        defaultAvailabilityZone: placementOptions().storageAvailabilityZone,
        quotaDefaults: quotaDefaults(config),
        serviceDownAfterMs: config.scheduler.serviceDownSeconds * 1000,
        connections: {
          requestTimeoutMs: config.server.requestTimeoutSeconds * 1000,
          maxConnections: config.server.maxConnections,
        },
      },
      clock,
      logger,
      readiness,
      metrics: async () => serverMetrics({ projections, operations, refusals, reports: await reports.read() }),
      onRefused: refusals.sink,
    });
    const protocol = await serveEventStoreProtocol(config.eventStoreServer, eventStore, logger);
    if (protocol !== null) stops.push(() => protocol.close());
    const url = await listen(app, config);
    stops.push(() => app.close());
    logger.info({ url, dataDir: config.dataDir }, 'scoria serves the Block Storage API');
    return { url, eventStorePort: protocol?.port ?? null, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Who the server is when it sees to what must be there. */
function atStart(what: string): CommandContext {
  const commandId = randomIds.newId();
  const actor = { userId: 'scoria', projectId: 'scoria', roles: [], kind: 'system' } as const;
  return { commandId, correlationId: `req-${commandId}`, causationId: what, actor };
}

async function listen(app: FastifyInstance, { server }: Config): Promise<string> {
  return app.listen({ host: server.host, port: server.port });
}

function required<T>(value: T | null): T {
  if (value === null) throw new Error('used before it was built');
  return value;
}
