import type { Clock } from '../ports/clock.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { Position } from '../ports/event-store.ts';
import { type HeldLease, takeLease } from '../ports/held-lease.ts';
import type { FoldLogger } from './fold.ts';
import { createLocalReadModels, type LocalReadModels } from './read-models.ts';
import type { ProjectionRunner, ProjectionRunnerOptions } from './runner.ts';
import { PROJECTIONS_FEED, PROJECTIONS_LEASE, requestOf, writerName, writerReport } from './writer-report.ts';

/** Keeps the read models while it holds the lease, and stands by otherwise. */
export interface ReadModelsKeeper {
  /** Resolves after the first attempt, whatever came of it. */
  start(): Promise<void>;
  /** The read models while this process writes them, else null. */
  current(): LocalReadModels | null;
  /** Why it can neither keep them nor stand by. */
  failure(): string | null;
  /** Stores what was applied and gives the lease back, so that a successor goes on at once. */
  stop(): Promise<void>;
}

const TRY_AGAIN_MS = 1_000;
const BEAT_EVERY_MS = 2_000;
/** A read model that stops, or a rebuild that begins, is told this soon. */
const LOOK_EVERY_MS = 250;
/** Every so many beats it is checked that the versions followed are still the live ones. */
const CHECK_EVERY_BEATS = 5;
const SAVE_AGAIN_MS = 500;

interface KeeperOptions {
  /** Makes the runner of one term as the writer. */
  readonly createRunner: (
    term: Required<Pick<ProjectionRunnerOptions, 'onReached' | 'onOvertaken' | 'isWriter'>>,
  ) => ProjectionRunner;
  readonly coordination: Coordination;
  readonly clock: Clock;
  readonly hostName: string;
  readonly workerId: string;
  readonly logger: FoldLogger;
}

export function createReadModelsKeeper(options: KeeperOptions): ReadModelsKeeper {
  const { coordination, clock, workerId, logger } = options;
  const stopping = new AbortController();
  let current: LocalReadModels | null = null;
  let failure: string | null = null;
  let loop: Promise<void> = Promise.resolve();

  const failed = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    if (reason !== failure) logger.warn({ err: error }, 'the read models cannot be kept now, trying again');
    failure = reason;
  };

  /** From a lease to its end: one runner, which is never used again. */
  const term = async (lease: HeldLease, started: () => void): Promise<void> => {
    const overtaken = new AbortController();
    const over = AbortSignal.any([stopping.signal, lease.lost, overtaken.signal]);
    const mayWrite = (): boolean => !overtaken.signal.aborted && lease.isHeld();
    const progress = createProgress(options, over, mayWrite);
    let kept = false;
    const runner = options.createRunner({
      onReached: progress.reached,
      onOvertaken: () => {
        current = null;
        overtaken.abort();
      },
      isWriter: mayWrite,
    });
    try {
      await runner.start();
      const models = createLocalReadModels({ runner, clock, logger });
      if (over.aborted) return;
      current = models;
      kept = true;
      failure = null;
      logger.info({ fencingToken: String(lease.lease.token) }, 'this process keeps the read models');
      started();
      await tellUntil(over, { options, lease, models, mayWrite, runner, overtaken: () => overtaken.abort() });
    } finally {
      current = null;
      await runner.stop({ abandon: !mayWrite() });
      await lease.release();
      if (kept && !stopping.signal.aborted)
        logger.warn({}, 'this process keeps the read models no more, and stands by');
    }
  };

  const attempt = async (settled: () => void): Promise<void> => {
    try {
      const lease = await takeLease({ coordination, clock, holder: workerId, logger }, PROJECTIONS_LEASE);
      failure = null;
      if (lease !== null) await term(lease, settled);
    } catch (error) {
      failed(error);
    }
    settled();
  };

  return {
    start: () =>
      new Promise((settled) => {
        loop = (async () => {
          while (!stopping.signal.aborted) {
            await attempt(settled);
            await clock.sleep(TRY_AGAIN_MS, stopping.signal).catch(() => undefined);
          }
        })();
      }),
    current: () => current,
    failure: () => failure,
    stop: async () => {
      stopping.abort();
      await loop;
    },
  };
}

interface Term {
  readonly options: KeeperOptions;
  readonly lease: HeldLease;
  readonly models: LocalReadModels;
  readonly runner: ProjectionRunner;
  readonly mayWrite: () => boolean;
  readonly overtaken: () => void;
}

/** Beats, and carries out the rebuilds that other processes ask for, until the term is over. */
async function tellUntil(over: AbortSignal, term: Term): Promise<void> {
  const { coordination, clock, hostName, logger } = term.options;
  /** Rebuilds under way, and those that have ended but are still listed. */
  const underWay = new Set<string>();
  const ended = new Set<string>();
  let beatNow = (): void => undefined;

  const takeUp = async (): Promise<void> => {
    const listed = await coordination.listWork('rebuild');
    const done = listed.filter((work) => ended.has(work.id) || requestOf(work) === null).map(({ id }) => id);
    await coordination.removeWork('rebuild', done);
    for (const id of done) ended.delete(id);
    for (const work of listed) {
      const request = requestOf(work);
      if (request === null || done.includes(work.id) || underWay.has(work.id)) continue;
      const isBusy = term.models.current().some((one) => one.rebuild !== null && request.names.includes(one.name));
      if (isBusy) continue;
      underWay.add(work.id);
      void term.models.rebuildToEnd(request).then(() => {
        underWay.delete(work.id);
        // one that was cut off ends with the term, still listed for the successor
        ended.add(work.id);
        beatNow();
      });
    }
  };

  const tell = async (): Promise<void> => {
    if (!term.mayWrite()) return;
    const report = writerReport(term.lease.lease.token, term.models.current());
    await coordination.beat(writerName(hostName), clock.now(), report);
    await takeUp();
  };

  /** What is told at once where it changes. */
  const outline = (): string =>
    JSON.stringify(term.models.current().map((one) => [one.stopped, one.staleCount, one.rebuild?.names]));

  const untilNextBeat = async (): Promise<void> => {
    const timer = new AbortController();
    beatNow = () => timer.abort();
    over.addEventListener('abort', beatNow, { once: true });
    const told = outline();
    for (let waitedMs = 0; waitedMs < BEAT_EVERY_MS && told === outline(); waitedMs += LOOK_EVERY_MS) {
      if (over.aborted || timer.signal.aborted) break;
      await clock.sleep(LOOK_EVERY_MS, timer.signal).catch(() => undefined);
    }
    over.removeEventListener('abort', beatNow);
  };

  for (let beats = 1; !over.aborted; beats += 1) {
    try {
      await tell();
      if (beats === 1) await forgetFormerWriters(term.options);
      if (beats % CHECK_EVERY_BEATS === 0 && !(await term.runner.followsLive())) term.overtaken();
    } catch (error) {
      if (!over.aborted) logger.warn({ err: error }, 'the writer of the read models cannot tell how far they are');
    }
    await untilNextBeat();
  }
}

/** Beats of writers on other hosts, which nobody needs any more. */
async function forgetFormerWriters({ coordination, hostName }: KeeperOptions): Promise<void> {
  const own = writerName(hostName);
  for (const { service } of await coordination.heartbeats())
    if (service !== own && service.startsWith(writerName(''))) await coordination.forget(service);
}

/** Tells other processes how far the read models are: the newest position, one write at a time. */
function createProgress({ coordination, clock, logger }: KeeperOptions, over: AbortSignal, mayWrite: () => boolean) {
  let latest: Position | null = null;
  let told: Position | null = null;
  let telling = false;

  const tell = async (): Promise<void> => {
    telling = true;
    while (latest !== null && latest !== told && !over.aborted && mayWrite()) {
      const position = latest;
      try {
        await coordination.saveFeedCheckpoint(PROJECTIONS_FEED, { position, eventId: '' });
        told = position;
      } catch (error) {
        logger.warn({ err: error }, 'how far the read models are cannot be told now');
        await clock.sleep(SAVE_AGAIN_MS, over).catch(() => undefined);
      }
    }
    telling = false;
  };

  return {
    reached: (position: Position): void => {
      if (over.aborted) return;
      latest = position;
      if (!telling) void tell();
    },
  };
}
