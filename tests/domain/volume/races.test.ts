import { describe, expect, it } from 'vitest';
import type { VolumeCommand } from '../../../src/domain/volume/commands.ts';
import { volumeDecider } from '../../../src/domain/volume/index.ts';
import type { Volume } from '../../../src/domain/volume/state.ts';
import {
  acceptTransfer,
  attachVolume,
  available,
  createSnapshot,
  createTransfer,
  deleteVolume,
  extendVolume,
  given,
  snapshot,
} from './volumes.ts';

describe('of two commands that exclude each other, whichever comes first', () => {
  const excluding: Record<string, VolumeCommand> = {
    extend: extendVolume({ operationId: 'other-op' }),
    attach: attachVolume(),
    reserve: { type: 'ReserveVolume' },
    snapshot: createSnapshot({ operationId: 'other-op' }),
    clone: { type: 'PinVolume', operationId: 'other-op', readerVolumeId: 'reader', snapshotId: null },
    transfer: createTransfer(),
  };
  const started = given(...available()).state;
  const isAccepted = (command: VolumeCommand, state: Volume): boolean =>
    volumeDecider.decide(command, state, 0).kind === 'accepted';
  const stateAfter = (command: VolumeCommand, state: Volume): Volume => {
    const decision = volumeDecider.decide(command, state, 0);
    return decision.kind === 'accepted' ? decision.events.reduce(volumeDecider.evolve, state) : state;
  };

  it.each(Object.entries(excluding))('delete and %s: exactly one wins', (_, other) => {
    const remove = deleteVolume();
    for (const [first, second] of [
      [remove, other],
      [other, remove],
    ] as const) {
      expect(isAccepted(first, started), `first: ${first.type}`).toBe(true);
      expect(isAccepted(second, stateAfter(first, started)), `second: ${second.type}`).toBe(false);
    }
  });

  it('two acceptors of one offer: exactly one wins', () => {
    const offeredState = stateAfter(createTransfer({ transferId: 't1' }), started);
    const [one, other] = [
      acceptTransfer({ operationId: 'one' }),
      acceptTransfer({ operationId: 'other', toProjectId: 'p3' }),
    ];
    expect(isAccepted(one, offeredState)).toBe(true);
    expect(isAccepted(other, stateAfter(one, offeredState))).toBe(false);
  });

  it('two extensions, or a revert and an extension: exactly one wins', () => {
    const extend = extendVolume({ operationId: 'one' });
    expect(isAccepted(extendVolume({ operationId: 'other', newSizeGiB: 30 }), stateAfter(extend, started))).toBe(false);
    const revert = { type: 'RevertToSnapshot', operationId: 'two', snapshotId: 's1' } as const;
    const withSnapshot = given(...available(), ...snapshot('s1')).state;
    expect(isAccepted(extend, stateAfter(revert, withSnapshot))).toBe(false);
    expect(isAccepted(revert, stateAfter(extend, withSnapshot))).toBe(false);
  });
});
