import type { Decider } from '../kernel/decider.ts';
import type { VolumeTypesCommand } from './commands.ts';
import { decideVolumeTypes } from './decide.ts';
import { type VolumeTypesEvent, volumeTypesEvents } from './events.ts';
import { evolveVolumeTypes, initialVolumeTypes, type VolumeTypes } from './state.ts';

export type { VolumeTypesCommand } from './commands.ts';
export type { VolumeTypesEvent } from './events.ts';
export {
  DEFAULT_TYPE_ID,
  DEFAULT_TYPE_NAME,
  defaultTypeFor,
  typeById,
  typeByName,
  type VolumeType,
  type VolumeTypes,
} from './state.ts';

export const volumeTypesDecider: Decider<VolumeTypesCommand, VolumeTypes, VolumeTypesEvent> = {
  initial: initialVolumeTypes,
  decide: decideVolumeTypes,
  evolve: evolveVolumeTypes,
};

/** All volume types and their defaults, on the stream `volumeTypes`. */
export const volumeTypes = { decider: volumeTypesDecider, catalogue: volumeTypesEvents };
