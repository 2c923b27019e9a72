import type { FastifyInstance } from 'fastify';
import { createApp } from '../api/app.ts';
import { createNoAuthAuthenticator } from '../api/auth.ts';
import type { Health } from '../api/dependencies.ts';
import { createPolicy } from '../api/policy.ts';
import { firstSegmentsOf } from '../api/route.ts';
import { ROUTES } from '../api/routes.ts';
import { randomIds } from '../commands/dependencies.ts';
import { systemContext } from '../commands/system.ts';
import type { ReadModels } from '../projections/read-models.ts';
import { createCommands, createQueries, quotaDefaults } from './commands.ts';
import type { Core } from './core.ts';
import { connectionLimits } from './health.ts';

/** Where engines may hang, no client waits longer. */
const ANSWER_WITHIN_MS = 4_500;

/** Role `api`: the Block Storage API as an application that does not listen yet. Sees to it that a default type is there. */
export async function createApi(core: Core, readModels: ReadModels, health: Health): Promise<FastifyInstance> {
  const { config, stores, handler, clock, logger, reports, placementOptions, refusals } = core;
  const queries = createQueries(stores.readStore);
  const commands = createCommands({
    ...{ config, handler, clock, queries, reports, placementOptions },
    onRefused: refusals.sink,
  });
  await commands.volumeTypes.ensureDefault(systemContext(randomIds.newId(), { causationId: 'ensure-default-type' }));
  return createApp({
    ...health,
    commands,
    queries,
    poolReports: reports,
    heartbeats: stores.coordination,
    placementOptions,
    readModels,
    auth: createNoAuthAuthenticator(firstSegmentsOf(ROUTES)),
    policy: createPolicy(),
    config: {
      maxLimit: config.server.maxLimit,
      publicEndpoint: config.server.publicEndpoint,
      defaultAvailabilityZone: placementOptions().storageAvailabilityZone,
      quotaDefaults: quotaDefaults(config),
      serviceDownAfterMs: config.scheduler.serviceDownSeconds * 1000,
      connections: connectionLimits(config),
      // embedded stores do not hang: a slow disk is waited for
      ...(stores.engines.length > 0 ? { answerWithinMs: ANSWER_WITHIN_MS } : {}),
    },
    clock,
    logger,
    onRefused: refusals.sink,
  });
}
