import type { CommandContext } from '../../src/commands/handle.ts';
import { snapshotsOf } from '../../src/domain/volume/index.ts';
import type { LiveVolume, Snapshot } from '../../src/domain/volume/state.ts';
import type { Random } from '../crash/random.ts';
import type { Api } from './node.ts';
import type { Observer } from './observer.ts';

/** What the API answered, as far as clients care. */
export interface Answer {
  readonly kind: 'accepted' | 'rejected';
  readonly operationId?: string;
  readonly volumeId?: string;
  readonly transferId?: string;
  readonly authKey?: string;
  readonly position?: bigint | null;
  readonly rejection?: { readonly code: string };
}

type Ask = (api: Api, context: CommandContext) => Promise<Answer>;

export interface Request {
  readonly what: string;
  readonly volumeId: string;
  readonly projectId: string;
  readonly ask: Ask;
}

const PROJECTS = ['alpha', 'beta'];

const shortOf = (id: string): string => id.slice(0, 8);

/** Anything that a client of this moment might ask for, mostly what may be granted. */
export function chooseRequest(random: Random, { log }: Observer, authKeys: ReadonlyMap<string, string>): Request {
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

/** A volume, empty or made from one of these. */
export function creation(random: Random, projectId: string, volumes: readonly LiveVolume[]): Request {
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
