import { nanoid } from 'nanoid';
import { isShared } from '../config.ts';
import { allProjections } from '../projections/all.ts';
import { decodeRecorded } from '../projections/catalogue.ts';
import { createReadModelsKeeper } from '../projections/keeper.ts';
import { createLocalReadModels, type ReadModelStatus, type ReadModels } from '../projections/read-models.ts';
import { createRemoteReadModels } from '../projections/remote-read-models.ts';
import { createProjectionRunner, type ProjectionRunnerOptions } from '../projections/runner.ts';
import type { Core } from './core.ts';

/** The read models: kept by this process, or seen from it. */
export interface ReadModelsPart {
  /** As the API sees them. */
  readonly seen: ReadModels;
  /** Those that this process writes now; none where it stands by, or has not the role. */
  written(): readonly ReadModelStatus[];
  /** What keeps this process from writing them, or from standing by. */
  missing(): readonly string[];
  stop(): Promise<void>;
}

/**
 * Role `projections`. Over shared engines one process holds the lease and writes; the others with the role stand by, and
 * whoever reads learns how far the writer is through Coordination. Over embedded stores this process is the only one.
 */
export function startReadModels(core: Core): Promise<ReadModelsPart> {
  return isShared(core.config) ? startShared(core) : startAlone(core);
}

const createRunner = ({ stores, clock, logger }: Core, more: Partial<ProjectionRunnerOptions> = {}) => {
  const { eventStore, readStore } = stores;
  return createProjectionRunner({
    ...{ eventStore, readStore, projections: allProjections, decode: decodeRecorded, logger, clock },
    ...more,
  });
};

async function startAlone(core: Core): Promise<ReadModelsPart> {
  const runner = createRunner(core);
  await runner.start();
  const models = createLocalReadModels({ ...core, runner });
  return { seen: models, written: models.current, missing: () => [], stop: () => runner.stop() };
}

async function startShared(core: Core): Promise<ReadModelsPart> {
  const { config, stores, clock, logger, workerId } = core;
  const { coordination } = stores;
  const keeper = config.roles.includes('projections')
    ? createReadModelsKeeper({
        ...{ coordination, clock, logger, workerId, hostName: config.hostName },
        createRunner: (term) => createRunner(core, term),
      })
    : null;
  await keeper?.start();
  const seen = createRemoteReadModels({
    coordination,
    clock,
    names: allProjections.map(({ collection }) => collection.name),
    newId: nanoid,
    here: () => keeper?.current() ?? null,
  });
  return {
    seen,
    written: () => keeper?.current()?.current() ?? [],
    missing: () => {
      const failure = keeper?.failure() ?? null;
      return failure === null ? [] : [`read models cannot be kept: ${failure}`];
    },
    stop: async () => keeper?.stop(),
  };
}
