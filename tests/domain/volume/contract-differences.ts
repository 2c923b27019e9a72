import { OPERATION_STATUSES, VOLUME_TRANSITIONS } from '../../../src/domain/volume/transitions.ts';

/** One way in which the transition tables differ from contract/states.json, and why. */
export interface Difference {
  readonly transition: string;
  /** Statuses from which Scoria allows it and the contract does not, or the other way round. */
  readonly allowed?: readonly string[];
  readonly allowedWhen?: readonly string[];
  readonly refused?: readonly string[];
  /** A sentence of docs/differences.md. */
  readonly reason: string;
}

/** What an operation works on cannot be attached: everything `volume.attach` lets through but maintenance. */
const worked = OPERATION_STATUSES.filter((status) => status !== 'maintenance');

export const DIFFERENCES: readonly Difference[] = [
  {
    transition: 'volume.attach',
    refused: worked,
    reason: 'A volume that an operation is working on cannot be attached',
  },
  {
    transition: 'volume.delete',
    allowedWhen: VOLUME_TRANSITIONS.DeleteVolume.alsoFrom
      .map(({ status }) => status)
      .filter((status) => !VOLUME_TRANSITIONS.DeleteVolume.from.includes(status)),
    reason: 'A volume that was never placed is deleted by an operation like any other',
  },
];
