import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { LiveVolume, Snapshot } from '../../src/domain/volume/state.ts';
import type { Document } from '../../src/ports/read-store.ts';
import type { Projection } from '../../src/projections/projection.ts';
import { snapshotsProjection } from '../../src/projections/snapshots.ts';
import { transfersProjection } from '../../src/projections/transfers.ts';
import { volumesProjection } from '../../src/projections/volumes.ts';
import { lifeOf, stepsArbitrary } from './random-volume.ts';
import { recorded } from './recorded.ts';

/** What the API shows of a volume, from the state that commands are decided on. */
const volumeOf = (volume: LiveVolume) => ({
  id: volume.id,
  projectId: volume.projectId,
  userId: volume.userId,
  name: volume.name,
  description: volume.description,
  sizeGiB: volume.sizeGiB,
  status: volume.status,
  previousStatus: volume.previousStatus,
  attachStatus: volume.attachStatus,
  migrationStatus: volume.migrationStatus,
  availabilityZone: volume.availabilityZone,
  host: volume.pool,
  volumeTypeId: volume.volumeTypeId,
  bootable: volume.bootable,
  multiattach: volume.multiattach,
  metadata: volume.metadata,
  imageMetadata: volume.imageMetadata,
  adminMetadata: {
    ...(volume.readonly === null ? {} : { readonly: volume.readonly ? 'True' : 'False' }),
    ...(volume.attachedMode === null ? {} : { attached_mode: volume.attachedMode }),
  },
  operationId: volume.owner?.operationId ?? null,
});

const snapshotOf = (snapshot: Snapshot, volumeId: string) => ({
  id: snapshot.id,
  volumeId,
  projectId: snapshot.projectId,
  userId: snapshot.userId,
  name: snapshot.name,
  description: snapshot.description,
  sizeGiB: snapshot.sizeGiB,
  status: snapshot.status,
  // Cinder's rows say 0% where nothing was reported yet
  progress: snapshot.progress ?? '0%',
  metadata: snapshot.metadata,
  operationId: snapshot.owner?.operationId ?? null,
});

describe('what is shown of a volume agrees with what is decided on', () => {
  it('after every event of any life its rules allow', () => {
    fc.assert(
      fc.property(stepsArbitrary, (steps) => {
        const volumes = new Map<string, Document>();
        const snapshots = new Map<string, Document>();
        const transfers = new Map<string, Document>();
        for (const [index, { event, state }] of lifeOf('v1', steps).entries()) {
          const at = recorded(event, index + 1);
          fold(volumesProjection, volumes, at);
          fold(snapshotsProjection, snapshots, at);
          fold(transfersProjection, transfers, at);
          const { volume } = state;
          if (volume === null || volume.deleted) {
            expect([volumes.size, snapshots.size, transfers.size]).toEqual([0, 0, 0]);
            continue;
          }
          expect(volumes.get('v1')).toMatchObject(volumeOf(volume));
          const attachments = Object.values(volume.attachments).map((attachment) =>
            expect.objectContaining(attachment),
          );
          expect(volumes.get('v1')?.attachments).toEqual(attachments);
          const expected = Object.values(volume.snapshots).map((snapshot) => snapshotOf(snapshot, 'v1'));
          expect([...snapshots.values()]).toEqual(expected.map((snapshot) => expect.objectContaining(snapshot)));
          expect([...transfers.keys()]).toEqual(volume.transfer === null ? [] : [volume.transfer.id]);
        }
      }),
      { numRuns: 100 },
    );
  });
});

function fold(projection: Projection, documents: Map<string, Document>, event: ReturnType<typeof recorded>): void {
  for (const id of projection.idsOf(event)) {
    const document = projection.apply(documents.get(id) ?? null, event, id);
    if (document === null) documents.delete(id);
    else documents.set(id, document);
  }
}
