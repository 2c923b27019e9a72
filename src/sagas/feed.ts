import type { CommandHandler } from '../commands/handle.ts';
import { operationAggregate, operationStream } from '../commands/operations.ts';
import { quotaAggregate, quotaStream } from '../commands/streams.ts';
import { getById } from '../domain/kernel/id-map.ts';
import { deriveId } from '../domain/kernel/ids.ts';
import { quotaEvents } from '../domain/quota/events.ts';
import { type VolumeEvent, volumeEvents } from '../domain/volume/events.ts';
import { chargedProjectOf } from '../domain/volume/index.ts';
import type { Clock } from '../ports/clock.ts';
import type { Coordination, OpenWork } from '../ports/coordination.ts';
import type { EventStore, Position, RecordedEvent } from '../ports/event-store.ts';
import type { Checkpoint } from '../ports/read-store.ts';
import type { OrphanWatch, WatchedCharge } from './lapse-orphans.ts';
import { definitionsByEvent, type OperationDefinition } from './operation.ts';
import type { OperationRunner } from './runner.ts';
import type { OperationsLogger } from './services.ts';

export interface OperationsFeed {
  /**
   * Takes up what is unfinished, then follows the log. Resolves when everything recorded before is being worked on, or
   * when the log cannot be followed (`failure` says why): nothing is driven until it can.
   */
  start(): Promise<void>;
  stop(): Promise<void>;
  /** Why the feed has stopped, null while it runs. */
  failure(): string | null;
}

const FEED = 'operations';
const SAVE_EVERY_MS = 500;
const RECONNECT_MS = 500;
const MOST_RECONNECT_MS = 10_000;

/**
 * Turns the log into operations. The feed's checkpoint means *started*: everything before it is running, or kept in the
 * set of unfinished work, so that a start is instant however long the log is. Both are saved together, work first.
 */
export function createOperationsFeed(deps: {
  readonly eventStore: EventStore;
  readonly coordination: Coordination;
  readonly handler: CommandHandler;
  readonly runner: OperationRunner;
  readonly orphans: OrphanWatch;
  readonly definitions: readonly OperationDefinition[];
  readonly clock: Clock;
  readonly logger: OperationsLogger;
  /**
   * Where other processes follow the log as well: whether it is this one that saves what is unfinished, and how far the
   * feed has come. Without it there are none.
   */
  readonly isKeeper?: () => boolean;
}): OperationsFeed {
  const { eventStore, coordination, handler, runner, orphans, clock, logger, isKeeper = null } = deps;
  const byEvent = definitionsByEvent(deps.definitions);
  const stopping = new AbortController();
  let seen: Checkpoint | null = null;
  let saved: Checkpoint | null = null;
  /** What the store may have: all of it must be removed some time. */
  const savedWork = new Map<string, OpenWork>();
  /** What of it may not be there yet. */
  const unsaved = new Set<string>();
  let catchingUp = true;
  let failed: string | null = null;
  let loops: Promise<unknown> = Promise.resolve();

  const startOperation = async (definition: OperationDefinition, event: RecordedEvent): Promise<void> => {
    const { data } = volumeEvents.decode(event.type, event.metadata.schemaVersion, event.data);
    const input = data as never;
    const { operationId } = data as { operationId: string };
    const { correlationId } = event.metadata;
    if (catchingUp) {
      const { state } = await handler.load(operationAggregate, operationStream(operationId));
      if (state.started !== null) {
        await runner.resume(operationId, correlationId);
        return;
      }
    }
    const { kind, version } = definition;
    const resource = definition.resource(input);
    runner.start(
      definition,
      { operationId, kind, version, steps: [], projectId: definition.projectId(input), resource, input: data },
      correlationId,
      event.position,
    );
  };

  /** An administrator reset a status under a running operation: it must stop before anybody acts on the new status. */
  const stopTakenOver = async (event: RecordedEvent, takesOver: readonly string[]): Promise<void> => {
    for (const operationId of takesOver) {
      await handler.handle(
        operationAggregate,
        operationStream(operationId),
        { type: 'RequestStop', operationId, by: event.id, reason: 'an administrator reset the status' },
        {
          commandId: deriveId(event.id, 'stop', operationId),
          correlationId: event.metadata.correlationId,
          causationId: event.id,
          actor: event.metadata.actor,
        },
      );
    }
  };

  const onEvent = async (event: RecordedEvent): Promise<void> => {
    if (event.stream.startsWith('operation-')) {
      if (isKeeper !== null) {
        runner.follow(event);
        return;
      }
      const stopped = event.type === 'OperationStopRequested';
      if (stopped || event.type === 'OperationResumed')
        runner.wake((event.data as { operationId: string }).operationId, stopped);
      return;
    }
    if (event.stream.startsWith('quota-')) {
      onQuotaEvent(event);
      return;
    }
    const { operationId, takesOver } = event.data as { operationId?: string; takesOver?: readonly string[] };
    const chargedProjectId = chargedProjectOf(event as VolumeEvent & RecordedEvent);
    if (operationId !== undefined && chargedProjectId !== null) orphans.landed(operationId, chargedProjectId);
    const definition = byEvent.get(event.type);
    if (definition !== undefined) await startOperation(definition, event);
    else if (takesOver !== undefined && takesOver.length > 0) await stopTakenOver(event, takesOver);
  };

  const onQuotaEvent = (event: RecordedEvent): void => {
    const quotaEvent = quotaEvents.decode(event.type, event.metadata.schemaVersion, event.data);
    if (quotaEvent.type === 'QuotaCharged') {
      const { operationId, projectId, landsIn } = quotaEvent.data;
      orphans.charged({ operationId, projectId, landsIn, chargedAt: event.recordedAt });
    }
    if (quotaEvent.type === 'QuotaSettled' || quotaEvent.type === 'QuotaReturned')
      orphans.landed(quotaEvent.data.operationId, quotaEvent.data.projectId);
  };

  const openWork = (): Map<string, OpenWork> => {
    const dueAt = clock.now();
    const work = new Map<string, OpenWork>();
    for (const { id, data } of runner.open()) work.set(id, { kind: 'operation', id, dueAt, data });
    for (const charge of orphans.open()) {
      const id = `${charge.operationId} ${charge.projectId}`;
      work.set(`charge ${id}`, { kind: 'charge', id, dueAt, data: { ...charge } });
    }
    return work;
  };

  const save = async (): Promise<void> => {
    // one that was paused since it asked must not put back what its successor has removed
    if (isKeeper?.() === false) return;
    const checkpoint = seen;
    const work = openWork();
    const added = [...work].filter(([key]) => !savedWork.has(key) || unsaved.has(key));
    const gone = [...savedWork].filter(([key]) => !work.has(key));
    for (const [key, value] of added) {
      savedWork.set(key, value);
      unsaved.add(key);
    }
    await coordination.putWork(added.map(([, value]) => value));
    for (const [key] of added) unsaved.delete(key);
    if (isKeeper?.() === false) return;
    for (const kind of ['operation', 'charge'] as const) {
      const ended = gone.filter(([, one]) => one.kind === kind);
      const ids = ended.map(([, { id }]) => id);
      if (ids.length > 0) await coordination.removeWork(kind, ids);
      for (const [key] of ended) savedWork.delete(key);
    }
    if (checkpoint === null || checkpoint.position === saved?.position || isKeeper?.() === false) return;
    await coordination.saveFeedCheckpoint(FEED, checkpoint);
    saved = checkpoint;
  };

  /** Whether what is saved is this process's to change. */
  let keeping = isKeeper === null;

  /**
   * From a former keeper: what it saved is listed first, so that what has ended since is removed. Not before this feed has
   * come as far as that one's: until then it knows nothing of the last that was saved. How far the feed of a longer log had
   * come, in place of which an older backup was restored, says nothing of this one. False where it may not be begun.
   */
  const takeOverSaved = async (): Promise<boolean> => {
    const checkpoint = await coordination.feedCheckpoint(FEED);
    const isBehind = checkpoint !== null && (seen === null || seen.position < checkpoint.position);
    if (isBehind && (catchingUp || (await isInLog(checkpoint)))) return false;
    savedWork.clear();
    unsaved.clear();
    saved = null;
    for (const work of await coordination.listWork('operation')) savedWork.set(work.id, work);
    for (const work of await coordination.listWork('charge')) savedWork.set(`charge ${work.id}`, work);
    return true;
  };

  const keep = async (): Promise<void> => {
    if (isKeeper !== null && !isKeeper()) {
      keeping = false;
      return;
    }
    if (!keeping && !(await takeOverSaved())) return;
    keeping = true;
    await save();
  };

  const saveLoop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await clock.sleep(SAVE_EVERY_MS, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      await keep().catch((error) => logger.warn({ err: error }, 'unfinished work cannot be saved now'));
    }
  };

  /** An operation that was let past the checkpoint, but whose start was never recorded: its event is read again. */
  const startFromLog = async (position: Position): Promise<void> => {
    const event = await eventAt(position);
    const definition = event === null ? undefined : byEvent.get(event.type);
    if (event !== null && definition !== undefined) await startOperation(definition, event);
  };

  const eventAt = async (position: Position): Promise<RecordedEvent | null> => {
    const behind = position === 0n ? {} : { after: position - 1n };
    for await (const event of eventStore.readAll({ ...behind, limit: 1 })) {
      if (event.position === position) return event;
    }
    return null;
  };

  const isInLog = async ({ position, eventId }: Checkpoint): Promise<boolean> =>
    (await eventAt(position))?.id === eventId;

  /** Not so where the charge has ended, or where the log is older than what is noted here: a restored one, say. */
  const isCharged = async ({ operationId, projectId }: WatchedCharge): Promise<boolean> => {
    const { state } = await handler.load(quotaAggregate, quotaStream(projectId));
    return getById(state.open, operationId) !== undefined;
  };

  const takeUpUnfinished = async (): Promise<void> => {
    const unfinished = await coordination.listWork('operation');
    for (const work of unfinished) {
      savedWork.set(work.id, work);
      const { correlationId, position } = work.data;
      const resumed = await runner.resume(work.id, String(correlationId ?? work.id));
      if (!resumed && typeof position === 'string') await startFromLog(BigInt(position));
    }
    for (const work of await coordination.listWork('charge')) {
      savedWork.set(`charge ${work.id}`, work);
      const charge = work.data as unknown as WatchedCharge;
      if (await isCharged(charge)) orphans.charged(charge);
    }
    if (unfinished.length > 0) logger.info({ operations: unfinished.length }, 'unfinished operations taken up');
  };

  /** The checkpoint counts only while its event is in the log: a log restored from an older backup is read from its start. */
  const verifiedCheckpoint = async (): Promise<Checkpoint | null> => {
    const checkpoint = await coordination.feedCheckpoint(FEED);
    if (checkpoint === null) return null;
    if (await isInLog(checkpoint)) return checkpoint;
    logger.warn(
      { position: String(checkpoint.position) },
      'the log does not have the event of the operations checkpoint: reading it from the start',
    );
    return null;
  };

  const follow = async (underWay: () => void): Promise<void> => {
    let waitMs = RECONNECT_MS;
    while (!stopping.signal.aborted) {
      try {
        const streams = { prefixes: ['volume-', 'quota-', 'operation-'] };
        const deliveries = eventStore.subscribe({ after: seen?.position ?? null, streams, signal: stopping.signal });
        for await (const delivery of deliveries) {
          if (delivery.kind === 'caught-up') {
            catchingUp = false;
            failed = null;
            runner.go();
            underWay();
            continue;
          }
          await onEvent(delivery.event);
          seen = { position: delivery.event.position, eventId: delivery.event.id };
          failed = null;
          waitMs = RECONNECT_MS;
        }
      } catch (error) {
        failed = error instanceof Error ? error.message : String(error);
        logger.error({ err: error }, 'operations feed interrupted, going on from the last event that was finished');
        underWay();
        await clock.sleep(waitMs, stopping.signal).catch(() => undefined);
        waitMs = Math.min(2 * waitMs, MOST_RECONNECT_MS);
      }
    }
  };

  return {
    start: async () => {
      seen = await verifiedCheckpoint();
      saved = seen;
      await takeUpUnfinished();
      await new Promise<void>((underWay) => {
        loops = Promise.all([follow(underWay), saveLoop()]);
      });
    },
    stop: async () => {
      stopping.abort();
      await loops;
      // one that was paused may have saved something that had ended: it is listed once more
      if (isKeeper === null) return save();
      keeping = false;
      // leases are given back all the same: what is saved is older then, which costs the next keeper reading
      await keep().catch((error) => logger.warn({ err: error }, 'unfinished work cannot be saved now'));
    },
    failure: () => failed,
  };
}
