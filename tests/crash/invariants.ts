import { isDeepStrictEqual } from 'node:util';
import { verifyEventStore } from '../../src/adapters/sqlite/event-store-check.ts';
import { operationStream } from '../../src/commands/operations.ts';
import { poolStream, quotaStream, volumeStream } from '../../src/commands/streams.ts';
import type { Config } from '../../src/config.ts';
import { storeFiles } from '../../src/config.ts';
import { valuesOf } from '../../src/domain/kernel/id-map.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { LiveVolume } from '../../src/domain/volume/state.ts';
import type { ReadStore } from '../../src/ports/read-store.ts';
import type { Acknowledgement } from './acknowledged.ts';
import { differencesOfApi } from './api-agreement.ts';
import { differencesOfBackends } from './backend-files.ts';
import { unfinishedWork } from './beside-server.ts';
import type { Contents } from './contents.ts';
import { chargedBy, type Holdings, heldByOrphans, orphansOf, takenOf } from './holdings.ts';
import type { LogView, Violation } from './log-view.ts';

/** What invariants look at, once everything has come to rest. */
export interface World {
  readonly log: LogView;
  readonly readStore: ReadStore;
  readonly config: Config;
  readonly url: string;
  /** Where the log lies, if not in the data directory; null where an engine keeps it that has no file here. */
  readonly logFile?: string | null;
  /** What clients were told since the last look, and which volumes must be there for ever. */
  readonly acknowledged: readonly Acknowledgement[];
  readonly kept: ReadonlySet<string>;
  /** What was written to volumes; null where nothing was. */
  readonly contents: Contents | null;
}

/**
 * One thing that must always hold, whenever the server was killed. To add one, write a function over the world that
 * returns what is wrong, and put it in the list below.
 */
export interface Invariant {
  readonly name: string;
  /** Reads everything there is, so that it is looked at seldom. */
  readonly thorough?: boolean;
  check(world: World): Promise<readonly Violation[]> | readonly Violation[];
}

/** What holds wherever there are a log and read models, be they real or simulated. */
export type LogWorld = Pick<World, 'log' | 'readStore'>;

interface LogInvariant extends Invariant {
  check(world: LogWorld): Promise<readonly Violation[]> | readonly Violation[];
}

const violation = (what: string, ...streams: readonly string[]): Violation => ({ what, streams });

const liveVolumes = ({ log }: LogWorld): readonly LiveVolume[] =>
  [...log.volumes.values()].flatMap(({ volume }) => (volume === null || volume.deleted ? [] : [volume]));

/** Statuses that wait for a client, not for an operation, and those that tell how something ended. */
const VOLUMES_AT_REST = new Set([
  'available',
  'in-use',
  'attaching',
  'detaching',
  'reserved',
  'awaiting-transfer',
  'error',
  'error_deleting',
  'error_extending',
]);
const SNAPSHOTS_AT_REST = new Set(['available', 'error', 'error_deleting']);

const nothingAcknowledgedIsLost: Invariant = {
  name: 'nothing acknowledged is lost',
  check: ({ log, acknowledged, kept }) => [
    ...acknowledged
      .filter(({ requestId, repeated }) => !repeated && !log.requestIds.has(requestId))
      .map(({ requestId, what, volumeId }) =>
        violation(`${requestId} (${what} of volume ${volumeId}) left no event`, volumeStream(volumeId)),
      ),
    ...[...kept]
      .filter((id) => log.volumes.get(id)?.volume?.deleted !== false)
      .map((id) => violation(`volume ${id} was acknowledged and never deleted, and is not there`, volumeStream(id))),
  ],
};

const nothingIsInBetween: LogInvariant = {
  name: 'no status of an operation is left',
  check: (world) =>
    liveVolumes(world).flatMap((volume) => {
      const stream = volumeStream(volume.id);
      const found: Violation[] = [];
      if (!VOLUMES_AT_REST.has(volume.status)) found.push(violation(`volume ${volume.id} is ${volume.status}`, stream));
      if (volume.owner !== null)
        found.push(violation(`volume ${volume.id} belongs to operation ${volume.owner.operationId}`, stream));
      for (const pin of Object.values(volume.pins))
        found.push(violation(`volume ${volume.id} is pinned by operation ${pin.operationId}`, stream));
      for (const { id, status, owner } of snapshotsOf(volume)) {
        if (!SNAPSHOTS_AT_REST.has(status)) found.push(violation(`snapshot ${id} is ${status}`, stream));
        if (owner !== null) found.push(violation(`snapshot ${id} belongs to operation ${owner.operationId}`, stream));
      }
      return found;
    }),
};

const noOperationIsOpen: LogInvariant = {
  name: 'no operation is open',
  check: ({ log }) =>
    [...log.open].map((id) => {
      const { phase, started } = log.operations.get(id) ?? { phase: 'not started', started: null };
      return violation(`operation ${id} (${started?.kind ?? 'never started'}) is ${phase}`, operationStream(id));
    }),
};

/** Where two sums differ. */
function differences(what: string, noted: Holdings, held: Holdings): readonly Violation[] {
  return [...new Set([...noted.keys(), ...held.keys()])].flatMap((key) => {
    const [stream = '', resource] = key.split(' ');
    const [a, b] = [noted.get(key) ?? 0, held.get(key) ?? 0];
    return a === b ? [] : [violation(`${what} ${stream} has ${a} ${resource}, and ${b} live`, stream)];
  });
}

const keysOf = (sums: Holdings, stream: string): Holdings =>
  new Map([...sums].filter(([key]) => key.startsWith(`${stream} `)));

const sumOf = (one: Holdings, other: Holdings): Holdings => {
  const sum = new Map(one);
  for (const [key, amount] of other) sum.set(key, (sum.get(key) ?? 0) + amount);
  return sum;
};

const quotaIsWhatLives: LogInvariant = {
  name: 'quota is what lives',
  check: ({ log }) =>
    [...log.quotas.values()].flatMap((ledger) => {
      const stream = quotaStream(ledger.projectId);
      const orphans = orphansOf(ledger, log.hasLanded);
      const held = sumOf(keysOf(log.live, stream), heldByOrphans(ledger, log.hasLanded));
      const left = valuesOf(ledger.open).filter((charge) => !orphans.includes(charge));
      return [
        ...differences('quota ledger', chargedBy(ledger), held),
        ...left.map(({ operationId }) =>
          violation(`the charge of operation ${operationId} is still open`, stream, operationStream(operationId)),
        ),
      ];
    }),
};

const poolsAreWhatLives: LogInvariant = {
  name: 'pool ledgers are what lives',
  check: ({ log }) =>
    [...log.pools.values()].flatMap((ledger) => {
      const stream = poolStream(ledger.pool);
      return [
        ...differences('pool ledger', takenOf(ledger), keysOf(log.live, stream)),
        ...valuesOf(ledger.open).map(({ operationId }) =>
          violation(`the claim of operation ${operationId} is still open`, stream, operationStream(operationId)),
        ),
      ];
    }),
};

const ledgersNeverFellShort: LogInvariant = {
  name: 'no ledger ever said less than lived, nor more than its limit',
  check: ({ log }) => log.breaches,
};

const backendsHaveWhatLives: Invariant = {
  name: 'backend files are the live volumes and snapshots',
  check: (world) => differencesOfBackends(world.config, liveVolumes(world), world.log.reset),
};

const contentsAreWhatWasWritten: Invariant = {
  name: 'what was written is in the volume and in everything made from it',
  check: ({ contents, log, config }) => contents?.differences(log, config) ?? [],
};

const readModelsAreTheFold: LogInvariant = {
  name: 'read models are the fold of the log',
  check: async ({ log, readStore }) => {
    const found: Violation[] = [];
    for (const model of log.models) {
      const { name } = model;
      const count = await readStore.count(name);
      if (count !== model.count())
        found.push(violation(`read model ${name} has ${count} documents instead of ${model.count()}`));
      for (const ids of inChunks(model.touched(), 500)) {
        const stored = new Map((await readStore.getMany(name, ids)).map((document) => [document.id, document]));
        for (const id of ids) {
          const [is, must] = [stored.get(id) ?? null, model.get(id)];
          if (isDeepStrictEqual(is, plain(must))) continue;
          found.push(
            violation(`${name} ${id} is\n    ${JSON.stringify(is)}\n  and must be\n    ${JSON.stringify(must)}`),
          );
        }
      }
    }
    // what agreed once is looked at again only where an event touches it
    if (found.length === 0) for (const model of log.models) model.compared();
    return found;
  },
};

const auditLogHasNoGap: LogInvariant = {
  name: 'the audit log has every event',
  check: async ({ log, readStore }) => {
    const records = await readStore.count('auditLog');
    return records === log.events ? [] : [violation(`the audit log has ${records} records of ${log.events} events`)];
  },
};

const apiAgrees: Invariant = { name: 'the API answers what the log says', check: differencesOfApi };

const noWorkIsNoted: Invariant = {
  name: 'no unfinished work is noted',
  thorough: true,
  check: async ({ config }) =>
    (await unfinishedWork(config)).map(({ kind, id }) =>
      violation(`${kind} ${id} is noted as unfinished`, operationStream(id)),
    ),
};

const logIsSound: Invariant = {
  name: 'the log is sound',
  thorough: true,
  check: async ({ config, log, logFile = config.eventStore === 'sqlite' ? storeFiles(config).events : null }) => {
    if (logFile === null) return [];
    const { damages, events } = await verifyEventStore(logFile);
    const found = damages.map(({ position, what }) => violation(`position ${position}: ${what}`));
    return events === log.events ? found : [...found, violation(`${events} events were verified of ${log.events}`)];
  },
};

/** What the log and the read models alone can tell. */
export const LOG_INVARIANTS: readonly LogInvariant[] = [
  noOperationIsOpen,
  nothingIsInBetween,
  quotaIsWhatLives,
  poolsAreWhatLives,
  ledgersNeverFellShort,
  readModelsAreTheFold,
  auditLogHasNoGap,
];

/** Everything that holds at rest. */
export const INVARIANTS: readonly Invariant[] = [
  ...LOG_INVARIANTS,
  nothingAcknowledgedIsLost,
  backendsHaveWhatLives,
  contentsAreWhatWasWritten,
  apiAgrees,
  noWorkIsNoted,
  logIsSound,
];

export interface Broken extends Violation {
  readonly invariant: string;
}

/** Checks all of them, or without the thorough ones. */
export async function checkInvariants(world: World, options: { readonly thorough: boolean }): Promise<Broken[]> {
  const broken: Broken[] = [];
  for (const { name, thorough = false, check } of INVARIANTS) {
    if (thorough && !options.thorough) continue;
    for (const found of await check(world)) broken.push({ invariant: name, ...found });
  }
  return broken;
}

/** As a document comes back from a store: what is undefined is not there. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

function inChunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, chunk) =>
    items.slice(chunk * size, (chunk + 1) * size),
  );
}
