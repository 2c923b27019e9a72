import { volumeStream } from '../../src/commands/streams.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { LiveVolume } from '../../src/domain/volume/state.ts';
import type { ReadStore } from '../../src/ports/read-store.ts';
import { LOG_INVARIANTS } from '../crash/invariants.ts';
import type { Violation } from '../crash/log-view.ts';
import type { Told } from './clients.ts';
import type { Observer } from './observer.ts';
import type { SimulatedBackend } from './storage-backend.ts';

/** What a run has come to, once everything is at rest. */
export interface Outcome {
  readonly observer: Observer;
  readonly backends: readonly SimulatedBackend[];
  readonly readStore: ReadStore;
  readonly told: readonly Told[];
  /** Operations whose undoing an operator gave up: what they left on a backend is his to clear away. */
  readonly abandoned: ReadonlySet<string>;
  /** What kept the run from coming to rest. */
  readonly problems: readonly Violation[];
}

/** Everything that must hold. A run that did not come to rest is only held to what must hold at any time. */
export async function violationsOf(outcome: Outcome): Promise<readonly Violation[]> {
  const { observer, problems, readStore } = outcome;
  const atAnyTime = [...problems, ...observer.breaches, ...notWhatWasTold(outcome)];
  if (problems.length > 0) return atAnyTime;
  const found: Violation[] = [...atAnyTime, ...differencesOfBackends(outcome)];
  for (const { name, check } of LOG_INVARIANTS) {
    for (const violation of await check({ log: observer.log, readStore })) {
      if (!observer.breaches.includes(violation)) found.push({ ...violation, what: `${name}: ${violation.what}` });
    }
  }
  return found;
}

/** Codes of refusals that may be the second answer to what was done at the first sending. */
const MAY_HAVE_BEEN_DONE = new Set(['Conflict', 'IdempotencyKeyReused']);

function notWhatWasTold({ observer, told }: Outcome): readonly Violation[] {
  const accepted = new Set(told.filter(({ outcome }) => outcome === 'accepted').map(({ commandId }) => commandId));
  return told.flatMap(({ what, commandId, operationId, outcome, code, twice, volumeId }) => {
    const streams = [volumeStream(volumeId)];
    if (outcome === 'accepted' && operationId !== null && !observer.log.hasLanded(operationId))
      return [{ what: `it was said to be done, and is not in the log: ${what}`, streams }];
    const refused = outcome === 'refused' && !twice && !accepted.has(commandId) && !MAY_HAVE_BEEN_DONE.has(code ?? '');
    if (refused && observer.commandIds.has(commandId))
      return [{ what: `it was refused (${code}), and is in the log: ${what}`, streams }];
    return [];
  });
}

function differencesOfBackends({ observer, backends, abandoned }: Outcome): readonly Violation[] {
  const found: Violation[] = [];
  const wanted = wantedObjects(observer);
  const excused = resourcesOf(observer, abandoned);
  for (const { host, objects } of backends) {
    for (const object of objects.values()) {
      const want = wanted.get(object.name);
      wanted.delete(object.name);
      const place = `${object.name} on ${host}#${object.pool}`;
      if (want === undefined) {
        const id = object.name.slice(object.name.indexOf('-') + 1);
        if (!excused.has(id))
          found.push({ what: `${place} belongs to nothing that lives`, streams: [volumeStream(id)] });
        continue;
      }
      if (want.pool !== `node@${host}#${object.pool}`)
        found.push({ what: `${place} is not on ${want.pool}`, streams: want.streams });
      const right = want.mayBeLarger ? object.sizeGiB >= want.sizeGiB : object.sizeGiB === want.sizeGiB;
      if (!right)
        found.push({ what: `${place} has ${object.sizeGiB} GiB instead of ${want.sizeGiB}`, streams: want.streams });
    }
  }
  for (const [name, { mayBeGone, streams }] of wanted)
    if (!mayBeGone) found.push({ what: `${name} is on no backend`, streams });
  return found;
}

interface Wanted {
  readonly pool: string;
  readonly sizeGiB: number;
  readonly mayBeLarger: boolean;
  readonly mayBeGone: boolean;
  readonly streams: readonly string[];
}

function wantedObjects(observer: Observer): Map<string, Wanted> {
  const { log, overridden } = observer;
  const wanted = new Map<string, Wanted>();
  const volumes = [...log.volumes.values()].flatMap(({ volume }) =>
    volume === null || volume.deleted ? [] : [volume],
  ) satisfies LiveVolume[];
  for (const volume of volumes) {
    const { id, pool, backendName, sizeGiB } = volume;
    const streams = [volumeStream(id)];
    if (pool === null || backendName === null) continue;
    // what a deletion has begun and could not end is there or gone
    const begun = (status: string, ...ids: readonly string[]): boolean =>
      status === 'error_deleting' || ids.some((one) => overridden.has(one));
    wanted.set(backendName, {
      pool,
      sizeGiB,
      mayBeLarger: observer.mayBeLarger(id),
      mayBeGone: begun(volume.status, id),
      streams,
    });
    for (const { backendName: name, ...snapshot } of snapshotsOf(volume)) {
      if (name === null) continue;
      const mayBeGone = begun(snapshot.status, id, snapshot.id);
      wanted.set(name, { pool, sizeGiB: snapshot.sizeGiB, mayBeLarger: false, mayBeGone, streams });
    }
  }
  return wanted;
}

const resourcesOf = ({ log }: Observer, operationIds: ReadonlySet<string>): ReadonlySet<string> =>
  new Set([...operationIds].flatMap((id) => log.operations.get(id)?.started?.resource.id ?? []));
