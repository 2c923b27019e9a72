import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { Position } from '../ports/event-store.ts';
import type { LocalReadModels, ReadModelStatus, ReadModels } from './read-models.ts';
import { createWaiting } from './waiting.ts';
import { lastWriterBeat, PROJECTIONS_FEED, rebuildWork, requestOf, type WriterBeat } from './writer-report.ts';

/** How often is looked how far the writer is, while somebody waits. */
const POLL_MS = 5;
const POLL_AGAIN_MS = 100;
/** A writer beats every two seconds; unseen for so long, it is gone. */
export const WRITER_GONE_MS = 10_000;

/**
 * Read models that another process writes, or this one: whichever holds the lease. All that is known of them comes through
 * Coordination; who waits here beside the writer is told by it directly.
 */
export function createRemoteReadModels(deps: {
  readonly coordination: Pick<Coordination, 'feedCheckpoint' | 'heartbeats' | 'listWork' | 'putWork'>;
  readonly clock: Clock;
  /** Names of the read models, in the order they are shown. */
  readonly names: readonly string[];
  readonly newId: () => string;
  /** The writer, while it is this process. */
  readonly here?: () => LocalReadModels | null;
}): ReadModels {
  const { coordination, clock } = deps;
  const waiting = createWaiting(clock);
  let reached: Position | null = null;
  let waiters = 0;
  let polling = false;
  /** The writer's beat as it was last seen to change. */
  let seen: { readonly service: string; readonly beat: number; readonly sinceMs: number } | null = null;

  const isReached = (position: Position): boolean => reached !== null && reached >= position;

  /** One poller for all who wait. */
  const poll = async (): Promise<void> => {
    if (polling) return;
    polling = true;
    while (waiters > 0) {
      const found = await coordination.feedCheckpoint(PROJECTIONS_FEED).catch(() => 'away' as const);
      if (found !== null && found !== 'away' && !isReached(found.position)) {
        reached = found.position;
        waiting.reached(found.position);
      }
      if (waiters > 0) await clock.sleep(found === 'away' ? POLL_AGAIN_MS : POLL_MS);
    }
    polling = false;
  };

  const waitForTold = async (position: Position, timeoutMs: number): Promise<boolean> => {
    if (isReached(position)) return true;
    waiters += 1;
    const told = waiting.until(position, timeoutMs);
    void poll();
    try {
      return await told;
    } finally {
      waiters -= 1;
    }
  };

  /** The wall clock says how old a beat is only once: then it may jump, and nobody is gone or back for it. */
  const isAlive = ({ heartbeat: { service, beat, at } }: WriterBeat): boolean => {
    const nowMs = clock.monotonicMs();
    if (seen?.service !== service || seen.beat !== beat) {
      const ageMs = seen === null ? Math.max(0, clock.now() - at) : 0;
      seen = { service, beat, sinceMs: nowMs - ageMs };
    }
    return nowMs - seen.sinceMs <= WRITER_GONE_MS;
  };

  return {
    waitFor: async (position, timeoutMs) => {
      const startedMs = clock.monotonicMs();
      const here = deps.here?.() ?? null;
      if (here !== null && (await here.waitFor(position, timeoutMs))) return true;
      // where it stopped being the writer meanwhile, another goes on
      return waitForTold(position, Math.max(0, timeoutMs - (clock.monotonicMs() - startedMs)));
    },
    status: async () => {
      // The work first: one that is done is told of before it is removed.
      const asked = (await coordination.listWork('rebuild')).flatMap((work) => requestOf(work) ?? []);
      const last = await lastWriterBeat(coordination);
      const kept = last !== null && isAlive(last);
      const models = deps.names.map((name): ReadModelStatus => {
        const told = last?.models.find((model) => model.name === name) ?? unknownModel(name);
        const request = asked.find(({ names }) => names.includes(name));
        const pending =
          request === undefined ? null : { names: request.names, events: 0, position: 0n, target: told.position ?? 0n };
        return {
          ...told,
          rebuild: (kept ? told.rebuild : null) ?? pending,
          stopped: kept ? told.stopped : 'no process keeps the read models',
        };
      });
      return { kept, models };
    },
    rebuild: async (request) => {
      await coordination.putWork([rebuildWork(deps.newId(), clock.now(), request)]);
    },
  };
}

const unknownModel = (name: string): ReadModelStatus => ({
  name,
  version: null,
  position: null,
  lag: 0,
  stale: [],
  staleCount: 0,
  stopped: null,
  rebuild: null,
  lastRebuild: null,
});
