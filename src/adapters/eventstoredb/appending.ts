import { setTimeout as sleep } from 'node:timers/promises';
import { type AppendResult, RevisionConflict } from '../../ports/event-store.ts';
import { type Appended, type BatchAppender, createBatchAppender } from './batch-appender.ts';
import type { ClientSession, ClientSessions } from './client-session.ts';
import { faultOf, unavailable } from './faults.ts';
import { backOffMs, type Limits } from './limits.ts';
import type { Proposal } from './proposed-events.ts';

/** Appends one proposal, with patience. */
export type Append = (proposal: Proposal) => Promise<AppendResult>;

export interface AppendingOptions {
  readonly sessions: ClientSessions;
  readonly limits: Limits;
  /** Where an event lies that was appended; for servers that do not say. */
  readonly positionOf: (stream: string, revision: bigint) => Promise<bigint>;
}

/**
 * After a failure nobody knows whether an append was stored, or still will be. So the same events go out again, with
 * the same ids and the same expected revision, until the server says that they are there or that others are. Throws
 * RevisionConflict or StoreUnavailable; the number in a conflict is never looked at, since it may count an event that
 * only a lost leader had.
 */
export function createAppending({ sessions, limits, positionOf }: AppendingOptions): Append {
  const appenders = new WeakMap<ClientSession, BatchAppender>();
  const appenderOf = (session: ClientSession): BatchAppender => {
    const appender = appenders.get(session) ?? createBatchAppender(session);
    appenders.set(session, appender);
    return appender;
  };

  const resultOf = async ({ revision, position }: Appended, stream: string): Promise<AppendResult> => ({
    revision,
    position: position ?? (await positionOf(stream, revision)),
  });

  return async (proposal) => {
    const { stream, expected } = proposal;
    const startedMs = performance.now();
    let maybeStored = false;
    for (let attempt = 1; ; attempt += 1) {
      const session = sessions.current();
      try {
        return await resultOf(await appenderOf(session).append(proposal, limits.appendAttemptMs), stream);
      } catch (thrown) {
        const fault = faultOf(thrown);
        if (fault.kind === 'conflict') throw new RevisionConflict(stream, expected);
        if (fault.kind === 'deleted') throw new Error(`stream ${stream} was deleted for good`, { cause: thrown });
        if (fault.kind !== 'again') throw thrown;
        if (fault.sent) maybeStored = true;
        if (fault.newClient) sessions.replace(session);
        const waitMs = backOffMs(attempt, limits.firstRetryMs, limits.appendRetryMs);
        const over = performance.now() - startedMs + waitMs > limits.appendPatienceMs;
        if (over || sessions.isClosed()) {
          throw unavailable(maybeStored ? 'unknown' : 'not-done', fault.error);
        }
        await sleep(waitMs);
      }
    }
  };
}
