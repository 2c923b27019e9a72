import { operationAggregate, operationStream } from '../commands/operations.ts';
import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import { hasEnded, type Operation } from '../domain/operation/index.ts';
import { requestsBefore } from '../domain/volume/index.ts';
import { loadVolume } from './backend.ts';
import { type Step, type StepContext, StepError } from './operation.ts';

/** What of a volume an operation works on, as its request names it. */
interface Request {
  readonly volumeId: string;
  readonly operationId: string;
  /** Operations that owned the resource when this one was requested. */
  readonly takesOver?: readonly string[] | undefined;
  /** Where the operation reads or changes a snapshot too. */
  readonly snapshotId?: string | undefined;
  /** Snapshots that go with the volume. */
  readonly snapshotIds?: readonly string[] | undefined;
}

const STOP_POLL_MS = 20;
/** How long one attempt waits before it makes room for others. */
const STOP_WAIT_MS = 500;

/**
 * Before an operation touches the backend, those that were requested before it on the same resource must have ended. The
 * ones it takes over and parked ones are told to stop; so are those that a former one was to take over, since it may have
 * been stopped itself before it saw to that. Other operations that are under way on the volume (another snapshot's, say)
 * are none of its business. Nobody waits for a later one, so that no two wait for each other.
 */
export const stopFormer: Step<Request> = {
  name: 'stop-former',
  effect: 'none',
  timeoutMs: 30_000,
  attempts: 60,
  run: async (context) => {
    const { operation, services, send, signal } = context;
    const { operationId } = operation.input;
    const deadline = services.clock.monotonicMs() + STOP_WAIT_MS;
    const reason = `operation ${operationId} took over`;
    const { stop, wait } = await formerOf(context);
    for (const former of stop) {
      const command = { type: 'RequestStop', operationId: former, by: operationId, reason } as const;
      await send(operationAggregate, operationStream(former), command);
    }
    const before = [...stop, ...wait];
    for (const former of before) {
      let state = await recorded(context, former);
      while (!hasEnded(state)) {
        if (services.clock.monotonicMs() > deadline) {
          throw new StepError({ code: 'FormerStillRuns', message: `operation ${former} has not ended yet` }, 'here');
        }
        await services.clock.sleep(STOP_POLL_MS, signal);
        state = await recorded(context, former);
      }
      const further = (state.started?.input as Request | undefined)?.takesOver ?? [];
      const unknown = further.filter((id) => !before.includes(id));
      for (const id of unknown) {
        const command = { type: 'RequestStop', operationId: id, by: operationId, reason } as const;
        await send(operationAggregate, operationStream(id), command);
      }
      before.push(...unknown);
    }
    return { pool: (await loadVolume(context, operation.input.volumeId)).pool } satisfies FormerStopped;
  },
};

interface FormerStopped {
  /** Where the volume is, once nobody else moves it; null: on no backend. */
  readonly pool: string | null;
}

/** Of operations on a volume that is there: whoever holds its backend goes on from here. */
export const poolAfterFormer = ({ output }: Pick<StepContext, 'output'>): string | null =>
  output<FormerStopped | null | undefined>('stop-former')?.pool ?? null;

/**
 * Which operations to stop and which only to wait for. By what is recorded: what the runner holds of an operation that
 * is being driven may be older.
 */
async function formerOf(context: StepContext<Request>): Promise<{
  readonly stop: readonly string[];
  readonly wait: readonly string[];
}> {
  const { operation, services } = context;
  const { volumeId, operationId, takesOver = [] } = operation.input;
  const stop = new Set(takesOver);
  const wait = new Set<string>();
  const mine = resourcesOf(operation.resource.id, operation.input);
  const { state: volume } = await services.handler.load(volumeAggregate, volumeStream(volumeId));
  const earlier = requestsBefore(volume, operationId);
  for (const { operationId: other, resource, input } of services.openOperations.of(volumeId)) {
    if (!earlier.has(other) || stop.has(other)) continue;
    // what a transfer has left to do touches no backend, and must not be kept from it
    if (resource.type === 'transfer') continue;
    if (!resourcesOf(resource.id, input as Request).some((id) => mine.includes(id))) continue;
    const former = await recorded(context, other);
    if (former.phase === 'parked') stop.add(other);
    else if (!hasEnded(former)) wait.add(other);
  }
  return { stop: [...stop], wait: [...wait] };
}

/** The volume or snapshot it is about, and the snapshots it works on besides. */
const resourcesOf = (resourceId: string, { snapshotId, snapshotIds = [] }: Request): readonly string[] => [
  resourceId,
  ...snapshotIds,
  ...(snapshotId === undefined ? [] : [snapshotId]),
];

const recorded = async ({ services }: StepContext<Request>, operationId: string): Promise<Operation> =>
  (await services.handler.load(operationAggregate, operationStream(operationId))).state;
