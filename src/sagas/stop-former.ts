import { operationAggregate, operationStream } from '../commands/operations.ts';
import { volumeAggregate, volumeStream } from '../commands/streams.ts';
import { hasEnded, type Operation } from '../domain/operation/index.ts';
import type { VolumeEventOf } from '../domain/volume/events.ts';
import { requestsBefore } from '../domain/volume/index.ts';
import { loadVolume } from './backend.ts';
import { type Step, type StepContext, StepError } from './operation.ts';
import type { OperationServices } from './services.ts';

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
const LIMITS = { effect: 'none', timeoutMs: 30_000, attempts: 60 } as const;

/**
 * Before an operation touches the backend, those that were requested before it on the same resource must have ended. The
 * ones it takes over and parked ones are told to stop; so are those that a former one was to take over, since it may have
 * been stopped itself before it saw to that. Other operations that are under way on the volume (another snapshot's, say)
 * are none of its business. Nobody waits for a later one, so that no two wait for each other.
 */
export const stopFormer: Step<Request> = {
  ...LIMITS,
  name: 'stop-former',
  run: async (context) => {
    const { resource, input } = context.operation;
    await stopEarlier(context, resourcesOf(resource.id, input));
    return { pool: (await loadVolume(context, input.volumeId)).pool } satisfies FormerStopped;
  },
};

/** The same of an operation that reads the volume: a reset may have made it usable while it is still being deleted, say. */
export const stopFormerOfVolume: Step<Request> = {
  ...LIMITS,
  name: 'stop-former',
  run: (context) => {
    const { resource, input } = context.operation;
    return stopEarlier(context, [input.volumeId, ...resourcesOf(resource.id, input)]);
  },
};

/**
 * The same of what a new volume is made from, which is pinned by now: whatever is under way on it was reset by an
 * administrator, or is only reading it. None of them waits for the new volume, whose stream is another.
 */
export const stopFormerOfSource: Step<VolumeEventOf<'VolumeCreationRequested'>['data']> = {
  ...LIMITS,
  name: 'stop-former-of-source',
  run: async (context) => {
    const { source } = context.operation.input;
    if (source.kind === 'empty') return;
    const resource = source.kind === 'snapshot' ? source.snapshotId : source.volumeId;
    await stopAll(context, await openOn(context, source.volumeId, [resource]));
  },
};

/** Of operations on these resources of a volume: which to tell to stop, and which only to wait for. */
interface Former {
  readonly stop: readonly string[];
  readonly wait: readonly string[];
}

/** Those that were requested before this one, and those that it takes over. */
async function stopEarlier(context: StepContext<Request>, resources: readonly string[]): Promise<void> {
  const { operation, services } = context;
  const { volumeId, operationId, takesOver = [] } = operation.input;
  const { state: volume } = await services.handler.load(volumeAggregate, volumeStream(volumeId));
  const earlier = requestsBefore(volume, operationId);
  const { stop, wait } = await openOn(context, volumeId, resources, (other) => earlier.has(other));
  const all = new Set([...takesOver, ...stop]);
  await stopAll(context, { stop: [...all], wait: wait.filter((other) => !all.has(other)) });
}

async function stopAll(context: StepContext<{ readonly operationId: string }>, { stop, wait }: Former): Promise<void> {
  const { operation, services, send, signal } = context;
  const { operationId } = operation.input;
  const deadline = services.clock.monotonicMs() + STOP_WAIT_MS;
  const tellToStop = (former: string): Promise<unknown> => {
    const reason = `operation ${operationId} took over`;
    const command = { type: 'RequestStop', operationId: former, by: operationId, reason } as const;
    return send(operationAggregate, operationStream(former), command);
  };
  for (const former of stop) await tellToStop(former);
  const before = [...stop, ...wait];
  for (const former of before) {
    let state = await recorded(services, former);
    while (!hasEnded(state)) {
      if (services.clock.monotonicMs() > deadline) {
        throw new StepError({ code: 'FormerStillRuns', message: `operation ${former} has not ended yet` }, 'here');
      }
      await services.clock.sleep(STOP_POLL_MS, signal);
      state = await recorded(services, former);
    }
    const further = (state.started?.input as Request | undefined)?.takesOver ?? [];
    const unknown = further.filter((id) => !before.includes(id));
    for (const id of unknown) await tellToStop(id);
    before.push(...unknown);
  }
}

interface FormerStopped {
  /** Where the volume is, once nobody else moves it; null: on no backend. */
  readonly pool: string | null;
}

/** Of operations on a volume that is there: whoever holds its backend goes on from here. */
export const poolAfterFormer = ({ output }: Pick<StepContext, 'output'>): string | null =>
  output<FormerStopped | null | undefined>('stop-former')?.pool ?? null;

/** By what is recorded: what the runner holds of an operation that is being driven may be older. */
async function openOn(
  { services }: Pick<StepContext, 'services'>,
  volumeId: string,
  resources: readonly string[],
  counts: (operationId: string) => boolean = () => true,
): Promise<Former> {
  const stop: string[] = [];
  const wait: string[] = [];
  for (const { operationId, resource, input } of services.openOperations.of(volumeId)) {
    if (!counts(operationId)) continue;
    // what a transfer has left to do touches no backend, and must not be kept from it
    if (resource.type === 'transfer') continue;
    if (!resourcesOf(resource.id, input as Request).some((id) => resources.includes(id))) continue;
    const former = await recorded(services, operationId);
    if (former.phase === 'parked') stop.push(operationId);
    else if (!hasEnded(former)) wait.push(operationId);
  }
  return { stop, wait };
}

/** The volume or snapshot it is about, and the snapshots it works on besides. */
const resourcesOf = (resourceId: string, { snapshotId, snapshotIds = [] }: Request): readonly string[] => [
  resourceId,
  ...snapshotIds,
  ...(snapshotId === undefined ? [] : [snapshotId]),
];

const recorded = async ({ handler }: OperationServices, operationId: string): Promise<Operation> =>
  (await handler.load(operationAggregate, operationStream(operationId))).state;
