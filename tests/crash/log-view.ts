import { operationAggregate } from '../../src/commands/operations.ts';
import { poolAggregate, quotaAggregate, volumeAggregate, volumeIdOfStream } from '../../src/commands/streams.ts';
import type { DomainEvent } from '../../src/domain/kernel/event.ts';
import { hasEnded, type Operation } from '../../src/domain/operation/index.ts';
import type { PoolLedger } from '../../src/domain/pool/index.ts';
import type { QuotaLedger } from '../../src/domain/quota/index.ts';
import type { Volume } from '../../src/domain/volume/state.ts';
import type { EventStore, Position, RecordedEvent } from '../../src/ports/event-store.ts';
import { decodeRecorded } from '../../src/projections/catalogue.ts';
import { operationDefinitions } from '../../src/sagas/definitions.ts';
import { definitionsByEvent } from '../../src/sagas/operation.ts';
import { chargedBy, createSums, type Holdings, holdingsOf, takenOf } from './holdings.ts';
import { createModelFolds, type ModelFold } from './read-models.ts';

/** Something that must not be, with the streams that tell how it came about. */
export interface Violation {
  readonly what: string;
  readonly streams: readonly string[];
}

/** Everything the log says, folded by the domain's own functions. Grows with the log: events are read once. */
export interface LogView {
  /** Reads what was appended since. */
  read(eventStore: EventStore): Promise<void>;
  /** For who sees each event as it is appended. */
  apply(recorded: RecordedEvent): void;
  readonly events: number;
  readonly head: Position | null;
  /** Ids of requests that left an event. */
  readonly requestIds: ReadonlySet<string>;
  readonly volumes: ReadonlyMap<string, Volume>;
  readonly quotas: ReadonlyMap<string, QuotaLedger>;
  readonly pools: ReadonlyMap<string, PoolLedger>;
  readonly operations: ReadonlyMap<string, Operation>;
  /** Whether the request that starts this operation is in the log. */
  hasLanded(operationId: string): boolean;
  /** Operations that were asked for and have not ended. */
  readonly open: ReadonlySet<string>;
  /** Where in the log a volume or snapshot was asked for, by its id. */
  readonly requestedAt: ReadonlyMap<string, Position>;
  /** Volumes whose content was ever put back to what a snapshot had. */
  readonly reverted: ReadonlySet<string>;
  /** Volumes that an administrator took away from what worked on them. */
  readonly reset: ReadonlySet<string>;
  /** What live volumes and snapshots hold of the ledgers. */
  readonly live: Holdings;
  readonly models: readonly ModelFold[];
  /** What was wrong after some event: at no time may live resources hold more than the ledgers say. */
  readonly breaches: readonly Violation[];
}

const startedBy = definitionsByEvent(operationDefinitions);

export function createLogView(): LogView {
  const requestIds = new Set<string>();
  const volumes = new Map<string, Volume>();
  const quotas = new Map<string, QuotaLedger>();
  const pools = new Map<string, PoolLedger>();
  const operations = new Map<string, Operation>();
  const landed = new Set<string>();
  const open = new Set<string>();
  const requestedAt = new Map<string, Position>();
  const reverted = new Set<string>();
  const reset = new Set<string>();
  const live = createSums();
  const ledgers = createSums();
  const models = createModelFolds();
  const breaches: Violation[] = [];
  let events = 0;
  let last: RecordedEvent | null = null;

  const applyToVolume = (volumeId: string, event: RecordedEvent): readonly string[] => {
    const before = volumes.get(volumeId) ?? volumeAggregate.decider.initial;
    const after = volumeAggregate.decider.evolve(before, event as never);
    volumes.set(volumeId, after);
    noteRequest(volumeId, event);
    if (event.type === 'VolumeStatusReset') reset.add(volumeId);
    return live.replace(holdingsOf(before), holdingsOf(after));
  };

  const noteRequest = (volumeId: string, { type, data, position }: RecordedEvent): void => {
    if (!startedBy.has(type)) return;
    const { operationId, snapshotId } = data as { operationId: string; snapshotId?: string };
    landed.add(operationId);
    open.add(operationId);
    if (type === 'VolumeCreationRequested') requestedAt.set(volumeId, position);
    if (type === 'SnapshotCreationRequested' && snapshotId !== undefined) requestedAt.set(snapshotId, position);
    if (type === 'VolumeRevertRequested') reverted.add(volumeId);
  };

  const applyToQuota = (projectId: string, event: RecordedEvent): readonly string[] => {
    const before = quotas.get(projectId) ?? quotaAggregate.decider.initial;
    const after = quotaAggregate.decider.evolve(before, event as never);
    quotas.set(projectId, after);
    checkLimits(projectId, after, event);
    return ledgers.replace(chargedBy(before), chargedBy(after));
  };

  const applyToPool = (pool: string, event: RecordedEvent): readonly string[] => {
    const before = pools.get(pool) ?? poolAggregate.decider.initial;
    const after = poolAggregate.decider.evolve(before, event as never);
    pools.set(pool, after);
    return ledgers.replace(takenOf(before), takenOf(after));
  };

  const applyToOperation = (operationId: string, event: RecordedEvent): readonly string[] => {
    const before = operations.get(operationId) ?? operationAggregate.decider.initial;
    const after = operationAggregate.decider.evolve(before, event as never);
    operations.set(operationId, after);
    if (hasEnded(after)) open.delete(operationId);
    return [];
  };

  /**
   * Own limits only: what the defaults are is the configuration's to say. And only of what this charge adds to: a limit may
   * be set below what is used already.
   */
  const checkLimits = (projectId: string, { charged, limits }: QuotaLedger, event: RecordedEvent): void => {
    if (event.type !== 'QuotaCharged') return;
    const { amounts } = event.data as { readonly amounts: Readonly<Record<string, number>> };
    for (const [resource, limit] of Object.entries(limits)) {
      const used = charged[resource] ?? 0;
      if (limit < 0 || used <= limit || amounts[resource] === undefined) continue;
      const what = `project ${projectId} is charged ${used} ${resource} of ${limit} at position ${event.position}`;
      breaches.push({ what, streams: [event.stream] });
    }
  };

  const checkLedgers = (keys: readonly string[], event: RecordedEvent): void => {
    for (const key of keys) {
      const held = live.all.get(key) ?? 0;
      const noted = ledgers.all.get(key) ?? 0;
      if (held <= noted) continue;
      const [ledger = '', resource] = key.split(' ');
      const what = `${ledger} says ${noted} ${resource}, and ${held} live, at position ${event.position}`;
      breaches.push({ what, streams: [event.stream, ledger] });
    }
  };

  const apply = (recorded: RecordedEvent): void => {
    const event = decodeRecorded(recorded);
    events += 1;
    last = recorded;
    requestIds.add(event.metadata.correlationId);
    for (const model of models) model.apply(event);
    const volumeId = volumeIdOfStream(event.stream);
    const { data } = event as unknown as DomainEvent<string, Record<string, string>>;
    if (volumeId !== null) checkLedgers(applyToVolume(volumeId, event), event);
    else if (event.stream.startsWith('quota-')) checkLedgers(applyToQuota(data.projectId ?? '', event), event);
    else if (event.stream.startsWith('pool-')) checkLedgers(applyToPool(data.pool ?? '', event), event);
    else if (event.stream.startsWith('operation-')) applyToOperation(data.operationId ?? '', event);
  };

  return {
    read: async (eventStore) => {
      await checkStillThere(eventStore, last);
      for await (const event of eventStore.readAll(last === null ? {} : { after: last.position })) apply(event);
    },
    apply,
    get events() {
      return events;
    },
    get head() {
      return last?.position ?? null;
    },
    requestIds,
    volumes,
    quotas,
    pools,
    operations,
    hasLanded: (operationId) => landed.has(operationId),
    open,
    requestedAt,
    reverted,
    reset,
    live: live.all,
    models,
    breaches,
  };
}

/** What was in the log once stays there, under the same position and id. */
async function checkStillThere(eventStore: EventStore, last: RecordedEvent | null): Promise<void> {
  if (last === null) return;
  for await (const event of eventStore.readStream(last.stream, { from: last.revision, limit: 1 })) {
    if (event.position === last.position && event.id === last.id) return;
  }
  throw new Error(`event ${last.id} at position ${last.position} was in the log and is gone`);
}
