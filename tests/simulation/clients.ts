import type { CommandContext } from '../../src/commands/handle.ts';
import { deriveId } from '../../src/domain/kernel/ids.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { LiveVolume, Snapshot } from '../../src/domain/volume/state.ts';
import { StoreUnavailable } from '../../src/ports/event-store.ts';
import type { Random } from '../crash/random.ts';
import type { Api } from './node.ts';
import type { Observer } from './observer.ts';
import type { Scheduler, SimProcess } from './scheduler.ts';

/** How a request came out, as its client knows it. */
export interface Told {
  readonly what: string;
  readonly commandId: string;
  readonly volumeId: string;
  readonly operationId: string | null;
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  readonly code: string | null;
}

export interface Clients {
  /** Resolves when everything that was to be asked has been. */
  run(requests: number): Promise<void>;
  readonly told: readonly Told[];
}

interface Answer {
  readonly kind: 'accepted' | 'rejected';
  readonly operationId?: string;
  readonly volumeId?: string;
  readonly transferId?: string;
  readonly authKey?: string;
  readonly position?: bigint | null;
  readonly rejection?: { readonly code: string };
}

type Ask = (api: Api, context: CommandContext) => Promise<Answer>;

interface Request {
  readonly what: string;
  readonly volumeId: string;
  readonly projectId: string;
  readonly ask: Ask;
}

const PROJECTS = ['alpha', 'beta'];
const MOST_SENDINGS = 3;
const CLIENTS = 4;

/** Clients that ask for anything, at the same time and of the same volumes; some send again what was not answered. */
export function createClients(options: {
  readonly scheduler: Scheduler;
  readonly process: SimProcess;
  readonly observer: Observer;
  /** The API that answers now; null while there is none. */
  readonly api: () => Api | null;
  readonly note: (line: string) => void;
}): Clients {
  const { scheduler, process, observer, api, note } = options;
  const { random } = scheduler;
  const told: Told[] = [];
  const authKeys = new Map<string, string>();
  let requests = 0;

  /** Null: no answer came. */
  const send = async ({ ask }: Request, context: CommandContext): Promise<Answer | null> => {
    const server = api();
    if (server === null) return null;
    const asked = ask(server, context).catch((error: unknown) => {
      if (error instanceof StoreUnavailable) return null;
      throw error;
    });
    const answer = await Promise.race([asked, server.process.died.then(() => null)]);
    if (answer?.kind === 'accepted' && answer.position !== null && answer.position !== undefined)
      await Promise.race([server.projections.waitFor(answer.position, 2_000), server.process.died]);
    return answer;
  };

  const one = async (request: Request): Promise<void> => {
    requests += 1;
    const { what, volumeId, projectId } = request;
    const commandId = deriveId('simulated request', requests);
    const number = requests;
    const context: CommandContext = {
      commandId,
      correlationId: `req-${commandId}`,
      causationId: commandId,
      actor: { userId: `user of ${projectId}`, projectId, roles: ['admin'], kind: 'user' },
    };
    for (let sending = 1; sending <= MOST_SENDINGS; sending += 1) {
      note(`request ${number}${sending > 1 ? ' again' : ''}: ${what}`);
      const answer = await send(request, context);
      const code = answer?.rejection?.code ?? null;
      const unknown = answer === null || code === 'TryAgain';
      const outcome = unknown ? 'unknown' : answer.kind === 'accepted' ? 'accepted' : 'refused';
      note(`request ${number} is ${outcome}${code === null ? '' : `: ${code}`}`);
      told.push({
        what,
        commandId,
        volumeId: answer?.volumeId ?? volumeId,
        operationId: answer?.operationId ?? null,
        outcome,
        code,
      });
      if (answer?.authKey !== undefined && answer.transferId !== undefined)
        authKeys.set(answer.transferId, answer.authKey);
      if (!unknown || random.chance(0.3)) return;
      await scheduler.turn(process, 'client waits', { delayMs: random.between(0, 2_000) });
    }
  };

  const client = async (count: number): Promise<void> => {
    for (let left = count; left > 0; left -= 1) {
      const delayMs = random.chance(0.6) ? random.between(0, 5) : random.between(0, 3_000);
      await scheduler.turn(process, 'client thinks', { delayMs });
      while (api() === null) await scheduler.turn(process, 'client finds no server', { delayMs: 100 });
      await one(chooseRequest(random, observer, authKeys));
    }
  };

  return {
    told,
    run: async (count) => {
      const share = Math.ceil(count / CLIENTS);
      await Promise.all(Array.from({ length: CLIENTS }, () => client(share)));
    },
  };
}

const shortOf = (id: string): string => id.slice(0, 8);

function chooseRequest(random: Random, { log }: Observer, authKeys: ReadonlyMap<string, string>): Request {
  const volumes = [...log.volumes.values()].flatMap(({ volume }) =>
    volume === null || volume.deleted ? [] : [volume],
  );
  const projectId = random.pick(PROJECTS) ?? 'alpha';
  // mostly what may be granted: a refusal tells little
  const usable = volumes.filter(({ status }) => status === 'available');
  const volume = random.pick(usable.length > 0 && random.chance(0.6) ? usable : volumes);
  if (volume === undefined || random.chance(0.2))
    return creation(random, projectId, usable.length > 0 ? usable : volumes);
  const snapshot = random.pick(snapshotsOf(volume));
  const act = random.weighted<() => Request>([
    [5, () => deletion(random, volume, projectId)],
    [3, () => extension(random, volume)],
    [5, () => snapshotCreation(volume)],
    [snapshot === undefined ? 0 : 5, () => snapshotDeletion(random, volume, snapshot)],
    [snapshot === undefined ? 0 : 4, () => reversion(volume, snapshot)],
    [0.7, () => reset(random, volume, snapshot)],
    [1, () => attachment(random, volume)],
    [volume.transfer === null ? 1 : 6, () => transfer(random, volume, authKeys)],
    [0.5, () => rename(volume)],
  ]);
  return act();
}

function creation(random: Random, projectId: string, volumes: readonly LiveVolume[]): Request {
  const from = random.pick(volumes);
  const snapshot = from === undefined ? undefined : random.pick(snapshotsOf(from));
  const source =
    from === undefined || random.chance(0.5)
      ? ({ kind: 'empty' } as const)
      : snapshot === undefined || random.chance(0.5)
        ? ({ kind: 'volume', volumeId: from.id } as const)
        : ({ kind: 'snapshot', volumeId: from.id, snapshotId: snapshot.id } as const);
  const sizeGiB = source.kind === 'empty' ? random.between(1, 4) : random.chance(0.7) ? null : random.between(1, 8);
  const of = source.kind === 'empty' ? '' : ` from ${source.kind} of ${shortOf(source.volumeId)}`;
  return {
    what: `${projectId} creates a volume of ${sizeGiB ?? 'its source’s'} GiB${of}`,
    volumeId: 'new',
    projectId,
    ask: (api, context) =>
      api.volumes.create(
        {
          name: null,
          description: null,
          sizeGiB,
          volumeType: null,
          source,
          availabilityZone: null,
          metadata: {},
          schedulerHints: {},
        },
        context,
      ),
  };
}

function deletion(random: Random, volume: LiveVolume, projectId: string): Request {
  const cascade = random.chance(0.5);
  const force = random.chance(0.4);
  return {
    what: `delete volume ${shortOf(volume.id)}${cascade ? ' with its snapshots' : ''}${force ? ' by force' : ''}`,
    volumeId: volume.id,
    projectId,
    ask: (api, context) => api.volumes.delete({ volumeId: volume.id, cascade, force }, context),
  };
}

function extension(random: Random, { id: volumeId, sizeGiB, projectId }: LiveVolume): Request {
  const newSizeGiB = sizeGiB + random.between(1, 2);
  return {
    what: `extend volume ${shortOf(volumeId)} to ${newSizeGiB} GiB`,
    volumeId,
    projectId,
    ask: (api, context) => api.volumes.extend({ volumeId, newSizeGiB, attachedAllowed: true }, context),
  };
}

const snapshotCreation = ({ id: volumeId, projectId }: LiveVolume): Request => ({
  what: `take a snapshot of volume ${shortOf(volumeId)}`,
  volumeId,
  projectId,
  ask: (api, context) =>
    api.snapshots.create({ volumeId, name: null, description: null, metadata: {}, inUseAllowed: true }, context),
});

function snapshotDeletion(random: Random, volume: LiveVolume, snapshot: Snapshot | undefined): Request {
  const force = random.chance(0.3);
  const snapshotId = snapshot?.id ?? 'none';
  return {
    what: `delete snapshot ${shortOf(snapshotId)} of volume ${shortOf(volume.id)}${force ? ' by force' : ''}`,
    volumeId: volume.id,
    projectId: volume.projectId,
    ask: (api, context) => api.snapshots.delete({ volumeId: volume.id, snapshotId, force }, context),
  };
}

function reversion(volume: LiveVolume, snapshot: Snapshot | undefined): Request {
  const snapshotId = snapshotsOf(volume).at(-1)?.id ?? snapshot?.id ?? 'none';
  return {
    what: `revert volume ${shortOf(volume.id)} to snapshot ${shortOf(snapshotId)}`,
    volumeId: volume.id,
    projectId: volume.projectId,
    ask: (api, context) => api.volumes.revert({ volumeId: volume.id, snapshotId }, context),
  };
}

function reset(random: Random, volume: LiveVolume, snapshot: Snapshot | undefined): Request {
  const status = random.chance(0.5) ? 'available' : 'error';
  const { id: volumeId, projectId } = volume;
  if (snapshot !== undefined && random.chance(0.5)) {
    return {
      what: `reset snapshot ${shortOf(snapshot.id)} of volume ${shortOf(volumeId)} to ${status}`,
      volumeId,
      projectId,
      ask: (api, context) => api.snapshots.resetStatus({ volumeId, snapshotId: snapshot.id, status }, context),
    };
  }
  return {
    what: `reset volume ${shortOf(volumeId)} to ${status}`,
    volumeId,
    projectId,
    ask: (api, context) => api.volumes.resetStatus({ volumeId, status }, context),
  };
}

function attachment(random: Random, { id: volumeId, projectId }: LiveVolume): Request {
  const instanceId = `instance ${random.between(1, 2)}`;
  const [what, ask] = random.weighted<readonly [string, Ask]>([
    [
      3,
      [
        'attach',
        ({ attachments }, context) =>
          attachments.attach({ volumeId, instanceId, hostName: null, mountpoint: '/dev/vdb', mode: 'rw' }, context),
      ],
    ],
    [3, ['detach', ({ attachments }, context) => attachments.detach({ volumeId, attachmentId: null }, context)]],
    [1, ['reserve', ({ attachments }, context) => attachments.reserve({ volumeId }, context)]],
    [1, ['unreserve', ({ attachments }, context) => attachments.unreserve({ volumeId }, context)]],
  ]);
  return { what: `${what} volume ${shortOf(volumeId)}`, volumeId, projectId, ask };
}

function transfer(random: Random, volume: LiveVolume, authKeys: ReadonlyMap<string, string>): Request {
  const { id: volumeId, projectId, transfer: offered } = volume;
  if (offered === null) {
    const noSnapshots = random.chance(0.5);
    return {
      what: `offer volume ${shortOf(volumeId)}${noSnapshots ? ' without its snapshots' : ''}`,
      volumeId,
      projectId,
      ask: (api, context) => api.transfers.create({ volumeId, name: null, noSnapshots }, context),
    };
  }
  const { id: transferId } = offered;
  if (random.chance(0.2)) {
    return {
      what: `withdraw the offer of volume ${shortOf(volumeId)}`,
      volumeId,
      projectId,
      ask: (api, context) => api.transfers.delete({ volumeId, transferId }, context),
    };
  }
  const toProjectId = PROJECTS.find((one) => one !== projectId) ?? 'beta';
  const authKey = authKeys.get(transferId) ?? 'unknown';
  return {
    what: `${toProjectId} accepts volume ${shortOf(volumeId)}`,
    volumeId,
    projectId: toProjectId,
    ask: (api, context) => api.transfers.accept({ volumeId, transferId, authKey }, context),
  };
}

const rename = ({ id: volumeId, projectId, name }: LiveVolume): Request => ({
  what: `rename volume ${shortOf(volumeId)}`,
  volumeId,
  projectId,
  ask: (api, context) => api.volumes.update({ volumeId, name: `${name ?? ''}x` }, context),
});
