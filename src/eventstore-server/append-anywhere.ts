import { type AppendResult, type EventToAppend, RevisionConflict, StoreUnavailable } from '../ports/event-store.ts';
import type { CommittedIds } from './committed-ids.ts';
import type { LogWriter } from './log-writer.ts';
import { eventAt, type StreamHead } from './stream-head.ts';
import { MAX_CONFLICTS, refusalBeforeIds, repetitionOf, type WriteOutcome } from './write-decisions.ts';

/** An append that takes the stream as it is. */
export interface Anywhere {
  readonly expected: 'any' | 'stream-exists';
  /** At least one. */
  readonly events: readonly EventToAppend[];
}

/** What becomes of one member of a group: refused or repeated, or written as far as this revision. */
type Verdict = WriteOutcome | { readonly kind: 'appended'; readonly revision: bigint };

/**
 * Appends that take the stream as it is, one behind the other in their order, with one append to the store. Answers as
 * many as it took, from the first on: one that repeats another of the same group is left for the next time. Runs alone.
 */
export async function appendAnywhere(
  log: LogWriter,
  stream: string,
  group: readonly Anywhere[],
): Promise<readonly WriteOutcome[]> {
  for (let conflicts = 0; conflicts <= MAX_CONFLICTS; conflicts += 1) {
    const loaded = await log.load(stream);
    const { verdicts, events } = plan(log.ids, loaded.head, group);
    const last = events.at(-1);
    if (last === undefined) return outcomesOf(log, stream, verdicts, null);
    try {
      const result = await log.store(stream, loaded.head.revision, events);
      await log.written(loaded, last);
      return await outcomesOf(log, stream, verdicts, result);
    } catch (error) {
      if (!(error instanceof RevisionConflict)) throw error;
    }
  }
  throw new StoreUnavailable(`stream ${stream} keeps changing`, 'not-done');
}

interface Plan {
  readonly verdicts: readonly Verdict[];
  readonly events: readonly EventToAppend[];
}

function plan(ids: CommittedIds, head: StreamHead, group: readonly Anywhere[]): Plan {
  const verdicts: Verdict[] = [];
  const events: EventToAppend[] = [];
  const planned = new Set<string>();
  let current = head;
  for (const append of group) {
    if (append.events.some(({ id }) => planned.has(id))) break;
    const verdict = verdictOf(ids, current, append);
    verdicts.push(verdict);
    if (verdict.kind !== 'appended') continue;
    for (const { id } of append.events) planned.add(id);
    events.push(...append.events);
    current = { ...current, state: 'open', revision: verdict.revision };
  }
  return { verdicts, events };
}

function verdictOf(ids: CommittedIds, head: StreamHead, { expected, events }: Anywhere): Verdict {
  const refusal = refusalBeforeIds(head, expected);
  if (refusal !== null) return refusal;
  const repetition = repetitionOf(ids, head.stream, events);
  switch (repetition.kind) {
    case 'repeated':
      return { kind: 'written', revision: repetition.lastRevision, position: null };
    case 'mixed':
      return { kind: 'wrong-revision', current: head.revision };
    case 'new':
      return { kind: 'appended', revision: head.revision + BigInt(events.length) };
  }
}

/** Positions are looked up where the store did not just tell them. */
async function outcomesOf(
  log: LogWriter,
  stream: string,
  verdicts: readonly Verdict[],
  result: AppendResult | null,
): Promise<readonly WriteOutcome[]> {
  const outcomes: WriteOutcome[] = [];
  for (const verdict of verdicts) {
    if (verdict.kind !== 'appended' && verdict.kind !== 'written') {
      outcomes.push(verdict);
      continue;
    }
    const { revision } = verdict;
    const told = result?.revision === revision ? result.position : null;
    const position = told ?? (await eventAt(log.eventStore, stream, revision))?.position ?? null;
    outcomes.push({ kind: 'written', revision, position });
  }
  return outcomes;
}
