import { kindOf } from '../domain/kernel/rejection.ts';
import type { Clock } from '../ports/clock.ts';
import type { CommandDependencies } from './dependencies.ts';
import type { CommandHandler, RefusalSink } from './handle.ts';
import { refusalsAggregate, refusalsStream } from './streams.ts';

/** Refusals noted of one project in one minute: who is refused in a loop must not fill the log. */
const MAX_PER_MINUTE = 60;
/** Notes that wait for the store; when it cannot keep up, what comes is not noted. */
const MAX_UNDER_WAY = 256;

/** Of what people and services are refused; operations note their own refusals in their streams. */
const worthNoting: (refusal: Parameters<RefusalSink>[0]) => boolean = ({ rejection, context }) =>
  context.actor.kind === 'user' && kindOf(rejection) !== 'unavailable';

export interface RefusalRecorder {
  readonly sink: RefusalSink;
  /** Notes that were left out, for the metrics: too many in a minute, or the store could not take them. */
  leftOut(): number;
  /** Resolves when all notes under way are written or given up. */
  settled(): Promise<void>;
}

/**
 * Keeps one audit fact of each command that a rule refused, off the answer's path: it never throws and never waits. The
 * handler is given late, since it is itself what reports refusals.
 */
export function createRefusalRecorder(
  deps: { readonly handler: () => CommandHandler; readonly clock: Clock } & Pick<CommandDependencies, 'ids'>,
): RefusalRecorder {
  const { clock, ids } = deps;
  const inMinute = new Map<string, number>();
  let minute = -1;
  let leftOut = 0;
  const underWay = new Set<Promise<void>>();

  const isCapped = (projectId: string, now: number): boolean => {
    const current = Math.floor(now / 60_000);
    if (current !== minute) inMinute.clear();
    minute = current;
    const noted = inMinute.get(projectId) ?? 0;
    inMinute.set(projectId, noted + 1);
    return noted >= MAX_PER_MINUTE || underWay.size >= MAX_UNDER_WAY;
  };

  const note = async (refusal: Parameters<RefusalSink>[0], now: number): Promise<void> => {
    const { stream, command, rejection, context } = refusal;
    const { projectId } = context.actor;
    const { code, message } = rejection;
    const { requestHash: _, ...rest } = context;
    await deps
      .handler()
      .handle(
        refusalsAggregate,
        refusalsStream(projectId, now),
        { type: 'RecordRefusal', projectId, command, stream, code, message },
        { ...rest, commandId: ids.newId(), causationId: context.commandId },
      );
  };

  return {
    sink: (refusal) => {
      if (!worthNoting(refusal)) return;
      const now = clock.now();
      if (isCapped(refusal.context.actor.projectId, now)) {
        leftOut += 1;
        return;
      }
      const noting = note(refusal, now).catch(() => {
        leftOut += 1;
      });
      underWay.add(noting);
      void noting.then(() => underWay.delete(noting));
    },
    leftOut: () => leftOut,
    settled: async () => {
      await Promise.all(underWay);
    },
  };
}
