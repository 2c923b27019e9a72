import type { EventStore, Position } from '../../src/ports/event-store.ts';
import type { ReadStore } from '../../src/ports/read-store.ts';

/** How long a creation takes at most when nothing is wrong; on a busy machine, twice what the slowest took before the fault. */
const USUAL_MS = 3_000;

/** How what clients want went on after a fault. */
export interface Recovery {
  /** Creations that have ended since the fault. */
  readonly creations: number;
  /** From the fault until the last creation that took too long had ended; 0 where none did. */
  readonly creationsUsualAfterMs: number;
  readonly slowestMs: number;
  /** What counts as taking too long. */
  readonly usualMs: number;
  /** From the fault until the read models had all that was in the log two looks before; 0 where they always did. */
  readonly readModelsUsualAfterMs: number;
}

export interface RecoveryWatch {
  /** The fault happens now: what was seen until here is what is usual. */
  begin(): Promise<void>;
  /** Reads what has happened since, and says whether all goes as usual now. */
  look(): Promise<boolean>;
  readonly so: Recovery;
  /** Creations that have been asked for longer ago than they may take. */
  overdue(): number;
}

/** Watches the log behind `after` and the read models; `events` is how many the log had up to there. */
export function watchRecovery(
  stores: { readonly eventStore: EventStore; readonly readStore: ReadStore },
  from: { readonly after: Position; readonly events: number },
): RecoveryWatch {
  const requested = new Map<string, number>();
  let { after, events } = from;
  let ended = 0;
  let lastEnd = 0;
  let faultAt = 0;
  let usualMs = USUAL_MS;
  let slowEnd = 0;
  let slowestMs = 0;
  let modelsUsualAt = 0;
  let earlier: readonly number[] = [];

  const readLog = async (): Promise<void> => {
    for await (const { position, type, data, recordedAt } of stores.eventStore.readAll({ after })) {
      after = position;
      events += 1;
      const { operationId = '' } = data as { operationId?: string };
      if (type === 'VolumeCreationRequested') requested.set(operationId, recordedAt);
      if (type !== 'OperationSucceeded' && type !== 'OperationFailed') continue;
      const since = requested.get(operationId);
      if (since === undefined) continue;
      requested.delete(operationId);
      ended += 1;
      lastEnd = recordedAt;
      slowestMs = Math.max(slowestMs, recordedAt - since);
      if (recordedAt - since > usualMs) slowEnd = recordedAt;
    }
  };

  const overdue = (): number => [...requested.values()].filter((since) => Date.now() - since > usualMs).length;

  return {
    begin: async () => {
      await readLog();
      faultAt = Date.now();
      usualMs = Math.max(USUAL_MS, 2 * slowestMs);
      [slowEnd, modelsUsualAt, slowestMs, ended] = [faultAt, faultAt, 0, 0];
    },
    look: async () => {
      await readLog();
      const records = await stores.readStore.count('auditLog');
      const mustHave = earlier.at(-2) ?? 0;
      earlier = [...earlier, events].slice(-2);
      if (records < mustHave) modelsUsualAt = Date.now();
      return overdue() === 0 && records >= mustHave && Date.now() - lastEnd < usualMs;
    },
    overdue,
    get so() {
      return {
        creations: ended,
        creationsUsualAfterMs: slowEnd - faultAt,
        slowestMs,
        usualMs,
        readModelsUsualAfterMs: modelsUsualAt - faultAt,
      };
    },
  };
}
