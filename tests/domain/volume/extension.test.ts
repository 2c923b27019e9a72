import { describe, expect, it } from 'vitest';
import type { VolumeStatus } from '../../../src/domain/volume/statuses.ts';
import {
  available,
  detached,
  extendVolume,
  extensionRequested,
  FAILURE,
  given,
  inStatus,
  liveOf,
  neverPlaced,
  statusReset,
} from './volumes.ts';

describe('extending a volume', () => {
  it('keeps the former status and size until it has succeeded', () => {
    const then = given(...available()).when(extendVolume());
    then.then({
      type: 'VolumeExtensionRequested',
      data: { volumeId: 'v1', operationId: 'new-op', projectId: 'p1', fromGiB: 10, toGiB: 20 },
    });
    then.thenState((state) =>
      expect(liveOf(state)).toMatchObject({ status: 'extending', previousStatus: 'available', sizeGiB: 10 }),
    );
  });

  it.each([10, 9])('to %d GiB is refused: it must grow', (newSizeGiB) => {
    given(...available())
      .when(extendVolume({ newSizeGiB }))
      .thenRejected('InvalidInput', 'greater than current size', '10');
  });

  it('beyond what its type allows is refused', () => {
    given(...available())
      .when(extendVolume({ newSizeGiB: 21, maxSizeGiB: 20 }))
      .thenRejected('InvalidInput', "'20'");
    given(...available())
      .when(extendVolume({ newSizeGiB: 20, maxSizeGiB: 20 }))
      .thenTypes('VolumeExtensionRequested');
  });

  it('names the statuses that would do', () => {
    given(...inStatus('error'))
      .when(extendVolume())
      .thenRejected('InvalidVolume', 'must be available to extend');
    const attachedToo = extendVolume({ attachedAllowed: true });
    given(...inStatus('error'))
      .when(attachedToo)
      .thenRejected('InvalidVolume', 'must be available or in-use to extend');
  });

  it('is refused for a volume that was never placed', () => {
    given(...neverPlaced, statusReset('available'))
      .when(extendVolume())
      .thenRejected('InvalidVolume', 'scheduled');
  });

  it.each<[VolumeStatus, VolumeStatus]>([
    ['available', 'available'],
    ['in-use', 'in-use'],
  ])('of a volume that was %s ends there, with the new size', (before, after) => {
    const then = given(...inStatus(before), extensionRequested()).when({
      type: 'CompleteVolumeExtension',
      operationId: 'extend-op',
    });
    then.then({
      type: 'VolumeExtended',
      data: { volumeId: 'v1', operationId: 'extend-op', fromGiB: 10, toGiB: 20, status: after },
    });
    then.thenState((state) =>
      expect(liveOf(state)).toMatchObject({ sizeGiB: 20, status: after, owner: null, extendingToGiB: null }),
    );
  });

  it('that is refused leaves everything as it was', () => {
    const refusal = { type: 'FailVolumeExtension', operationId: 'extend-op', refused: true, reason: FAILURE } as const;
    for (const status of ['available', 'in-use'] as const) {
      given(...inStatus(status), extensionRequested())
        .when(refusal)
        .thenState((state) =>
          expect(liveOf(state)).toMatchObject({ sizeGiB: 10, status, previousStatus: null, owner: null }),
        );
    }
  });

  it('that is refused after the last attachment ended leaves the volume available', () => {
    const ended = detached(['a1'], 'extending');
    given(...inStatus('in-use'), extensionRequested(), ended)
      .when({ type: 'FailVolumeExtension', operationId: 'extend-op', refused: true, reason: FAILURE })
      .thenState((state) => expect(liveOf(state).status).toBe('available'));
  });

  it('that fails on the backend leaves error_extending', () => {
    given(...available(), extensionRequested())
      .when({ type: 'FailVolumeExtension', operationId: 'extend-op', refused: false, reason: FAILURE })
      .thenState((state) =>
        expect(liveOf(state)).toMatchObject({ sizeGiB: 10, status: 'error_extending', owner: null }),
      );
  });
});
