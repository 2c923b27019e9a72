import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { comeToRest, type Mode, sequences, type World } from './api-command.ts';
import { type Model, PROJECTS, type Verdict } from './model.ts';
import { createSnapshot, createType } from './other-rules.ts';
import { type Ask, createReal, type Real } from './real.ts';
import { createVolume } from './volume-rules.ts';

/** Limits that sequences run into, and a pool in which everything has room but what is meant to have none. */
export const MODEL_CONFIG = {
  quota: { volumes: 6, snapshots: 4, gigabytes: 25 },
  storage: {
    backends: [
      { name: 'file', pools: [{ name: 'pool', capacityGiB: 4_000, maxOverSubscriptionRatio: 1, multiattach: true }] },
    ],
  },
} as const;

const DEFAULTS = { volumes: 6, snapshots: 4, gigabytes: 25 };

export interface Failure {
  /** Of the batch that it was found in. */
  readonly seed: number;
  /** The shortest sequence that was found, and what is wrong at its end. */
  readonly story: string;
}

export interface Result {
  readonly sequences: number;
  readonly requests: number;
  readonly failure: Failure | null;
}

export interface Options {
  readonly url: string;
  readonly mode: Mode;
  readonly seed: number;
  /** So many sequences, unless the time is over before. */
  readonly runs: number;
  readonly withinMs: number;
  readonly maxCommands: number;
}

/** Sequences are tried in batches, each with a seed of its own: so a failing one can be had again without those before. */
const BATCH = 10;
/** Batches under way at the same time: most of a sequence is waiting. */
const LANES = 3;
const SHRINK_WITHIN_MS = 60_000;

/** Sends random sequences until so many agreed with the model, one did not, or the time is over. */
export async function runSequences({ seed, runs, withinMs, ...options }: Options): Promise<Result> {
  const deadline = performance.now() + withinMs;
  const sizes = Array.from({ length: Math.ceil(runs / BATCH) }, (_, n) => Math.min(BATCH, runs - n * BATCH));
  const batches = sizes.entries();
  const failures: Failure[] = [];
  let sent = 0;
  let requests = 0;
  const lane = async (): Promise<void> => {
    for (const [batch, size] of batches) {
      const result = await runBatch({ ...options, seed: seed + batch, runs: size });
      sent += result.sequences;
      requests += result.requests;
      if (result.failure !== null) failures.push(result.failure);
      if (failures.length > 0 || performance.now() > deadline) return;
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return { sequences: sent, requests, failure: failures[0] ?? null };
}

async function runBatch({ url, mode, seed, runs, maxCommands }: Omit<Options, 'withinMs'>): Promise<Result> {
  let number = 0;
  let requests = 0;
  const property = fc.asyncProperty(sequences(mode, maxCommands), async (commands) => {
    number += 1;
    const world = await newWorld(createReal(url, `${mode}-${seed}-${number}`));
    try {
      await fc.asyncModelRun(() => ({ model: world, real: world }), commands);
      await comeToRest(world);
      await tidyUp(world);
    } catch (error) {
      // so that what comes after it is not disturbed; what went wrong first is what counts
      await tidyUp(world).catch(() => undefined);
      throw new Error(`${world.trace.join('\n')}\n\n${error instanceof Error ? error.message : error}`);
    } finally {
      requests += world.trace.length;
    }
  });
  const details = await fc.check(property, { seed, numRuns: runs, interruptAfterTimeLimit: SHRINK_WITHIN_MS });
  const { errorInstance, failed, numRuns: sequencesSent } = details;
  const story = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return { sequences: sequencesSent, requests, failure: failed ? { seed, story } : null };
}

async function newWorld(real: Real): Promise<World> {
  const { json } = await real.ask({ method: 'GET', path: '/types/default', project: 'a' });
  const { id, name } = json.volume_type;
  const model: Model = {
    volumes: [],
    snapshots: [],
    transfers: [],
    types: [{ id, name, kind: 'plain', gone: false }],
    limits: { a: {}, b: {} },
    defaults: DEFAULTS,
  };
  const world = { model, real, busy: new Set<object>(), trace: [] };
  await furnish(world);
  return world;
}

/** What every sequence begins with, so that most of its requests find something: two volumes, one snapshot, one type. */
async function furnish(world: World): Promise<void> {
  const { model, real } = world;
  const make = async (ask: Ask, { apply, status }: Verdict): Promise<void> => {
    const answer = await real.ask(ask);
    if (answer.status !== status) throw new Error(`${ask.method} ${ask.path}: ${answer.status} ${answer.text}`);
    apply?.(answer.json);
    await comeToRest(world);
  };
  const volume = (size: number): Promise<void> => {
    const creation = { project: 'a', size, name: 'one', metadata: { k1: 'x' }, type: null, source: null } as const;
    const body = { volume: { size, name: 'one', metadata: { k1: 'x' } } };
    return make({ method: 'POST', path: '/volumes', body, project: 'a' }, createVolume(model, creation));
  };
  await volume(2);
  await volume(1);
  const [first] = model.volumes;
  if (first === undefined) throw new Error('no volume was made');
  const snapshot = { volume_id: first.id, name: 'one' };
  await make(
    { method: 'POST', path: '/snapshots', body: { snapshot }, project: 'a' },
    createSnapshot(model, first, 'a', 'one'),
  );
  const type = `${real.tag}-multiattach-1`;
  const body = { volume_type: { name: type, extra_specs: { multiattach: '<is> True' } } };
  await make(
    { method: 'POST', path: '/types', body, project: 'a', admin: true },
    createType(model, type, 'multiattach'),
  );
}

const GONE_WITHIN_MS = 15_000;

/** Deletes all that a run has made, whatever became of it. */
async function tidyUp({ model, real }: World): Promise<void> {
  for (const project of PROJECTS) {
    const list = async (): Promise<readonly { id: string }[]> =>
      (await real.ask({ method: 'GET', path: '/volumes', project, admin: true })).json.volumes;
    for (const { id } of await list()) {
      const body = { 'os-reset_status': { status: 'error', attach_status: 'detached', migration_status: 'none' } };
      await real.ask({ method: 'POST', path: `/volumes/${id}/action`, body, project, admin: true });
      await real.ask({ method: 'DELETE', path: `/volumes/${id}?cascade=true&force=true`, project, admin: true });
    }
    const deadline = performance.now() + GONE_WITHIN_MS;
    while ((await list()).length > 0) {
      if (performance.now() > deadline) throw new Error(`volumes of ${real.projectIds[project]} do not go`);
      await sleep(5);
    }
  }
  for (const { id } of model.types.slice(1).filter(({ gone }) => !gone)) {
    await real.ask({ method: 'DELETE', path: `/types/${id}`, project: 'a', admin: true });
  }
}
