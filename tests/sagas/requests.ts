import type { CommandContext } from '../../src/commands/handle.ts';
import type { CreateVolumeInput } from '../../src/commands/volumes.ts';
import { acceptedOf, asAdmin, asUser, emptyVolume, snapshotOf, type World } from '../commands/world.ts';

/** What clients of project p1 ask for in these tests; each of these requests is granted. */
export function requestsOn(world: { readonly clients: World; ended(operationId: string): Promise<void> }) {
  const { clients, ended } = world;
  const { volumes, snapshots } = clients;
  const user = (projectId = 'p1'): CommandContext => asUser(projectId, clients.deps.ids.newId());
  const admin = (): CommandContext => asAdmin('p1', clients.deps.ids.newId());

  const create = async (input: Partial<CreateVolumeInput> = {}, projectId = 'p1') => {
    const size = input.source === undefined ? { sizeGiB: 2 } : {};
    return acceptedOf(await volumes.create(emptyVolume({ ...size, ...input }), user(projectId)));
  };

  const snapshot = async (volumeId: string) =>
    acceptedOf(await snapshots.create({ ...snapshotOf(volumeId), inUseAllowed: true }, user()));

  return {
    create,
    snapshot,
    /** A volume that is available, its creation ended. */
    available: async (input: Partial<CreateVolumeInput> = {}): Promise<string> => {
      const { volumeId, operationId } = await create(input);
      await ended(operationId);
      return volumeId;
    },
    availableSnapshot: async (volumeId: string): Promise<string> => {
      const { snapshotId, operationId } = await snapshot(volumeId);
      await ended(operationId);
      return snapshotId;
    },
    remove: async (volumeId: string, how: { readonly cascade?: boolean; readonly force?: boolean } = {}) =>
      acceptedOf(await volumes.delete({ volumeId, cascade: false, force: false, ...how }, admin())),
    removeSnapshot: async (volumeId: string, snapshotId: string, force = false) =>
      acceptedOf(await snapshots.delete({ volumeId, snapshotId, force }, user())),
    extend: async (volumeId: string, newSizeGiB: number) =>
      acceptedOf(await volumes.extend({ volumeId, newSizeGiB, attachedAllowed: true }, user())),
    revert: async (volumeId: string, snapshotId: string) =>
      acceptedOf(await volumes.revert({ volumeId, snapshotId }, user())),
    resetStatus: async (volumeId: string, status: string): Promise<void> => {
      acceptedOf(await volumes.resetStatus({ volumeId, status }, admin()));
    },
    resetSnapshotStatus: async (volumeId: string, snapshotId: string, status: string): Promise<void> => {
      acceptedOf(await snapshots.resetStatus({ volumeId, snapshotId, status }, admin()));
    },
    attach: async (volumeId: string): Promise<void> => {
      const attach = { volumeId, instanceId: 'instance', hostName: null, mountpoint: '/dev/vdb', mode: 'rw' } as const;
      acceptedOf(await clients.attachments.attach(attach, user()));
    },
    /** Moves the volume to another project by a transfer; resolves when it is accepted, not when quota has moved. */
    transfer: async (volumeId: string, toProjectId: string, noSnapshots = false) => {
      const offer = await clients.transfers.create({ volumeId, name: null, noSnapshots }, user());
      const { transferId, authKey } = acceptedOf(offer);
      return acceptedOf(await clients.transfers.accept({ volumeId, transferId, authKey }, user(toProjectId)));
    },
  };
}
