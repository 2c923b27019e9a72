import { z } from 'zod';
import { catalogueOf, type EventsOf } from '../kernel/event.ts';

const id = z.string().min(1);
const extraSpecs = z.record(z.string(), z.string());

const schemas = {
  VolumeTypeCreated: {
    version: 1,
    data: z.object({
      typeId: id,
      name: z.string(),
      description: z.string().nullable(),
      isPublic: z.boolean(),
      extraSpecs,
    }),
  },
  VolumeTypeUpdated: {
    version: 1,
    data: z.object({
      typeId: id,
      name: z.string().optional(),
      description: z.string().nullable().optional(),
      isPublic: z.boolean().optional(),
    }),
  },
  VolumeTypeDeleted: { version: 1, data: z.object({ typeId: id }) },
  /** `extraSpecs` is the whole after the change. */
  VolumeTypeExtraSpecsChanged: { version: 1, data: z.object({ typeId: id, extraSpecs }) },
  /** The default type of one project (3.62). */
  DefaultVolumeTypeSet: { version: 1, data: z.object({ projectId: id, typeId: id }) },
  DefaultVolumeTypeUnset: { version: 1, data: z.object({ projectId: id }) },
} as const;

export const volumeTypesEvents = catalogueOf(schemas);
export type VolumeTypesEvent = EventsOf<typeof schemas>;
