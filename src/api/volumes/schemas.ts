import { z } from 'zod';
import {
  booleanLike,
  imageMetadataPairs,
  metadataPairs,
  requiredName,
  sizeGiB,
  textOf,
  trimmedText,
  uuidLike,
  withAtLeastOne,
} from '../field-schemas.ts';
import { always, andFrom, lazy, type SchemaVersions } from '../schema-versions.ts';

const name = lazy(() => trimmedText('name'));
const description = lazy(() => trimmedText('description'));
/** Features of other services, refused by name in the handler where they hold a value. */
const reference = lazy(() => textOf(0, 255).nullable().optional());

const createFields = lazy(() => ({
  name: name().optional(),
  description: description().optional(),
  display_name: name().optional(),
  display_description: description().optional(),
  volume_type: textOf(0, 255).nullable().optional(),
  metadata: metadataPairs().nullable().optional(),
  snapshot_id: uuidLike().nullable().optional(),
  source_volid: uuidLike().nullable().optional(),
  size: sizeGiB().nullable().optional(),
  availability_zone: requiredName('availability_zone').nullable().optional(),
  multiattach: booleanLike().nullable().optional(),
  image_id: reference(),
  imageRef: reference(),
  consistencygroup_id: uuidLike().nullable().optional(),
  group_id: reference(),
  backup_id: reference(),
}));

const schedulerHints = lazy(() => z.record(z.string(), z.unknown()).nullable().optional());

const createBody = lazy(() => {
  const hints = { 'OS-SCH-HNT:scheduler_hints': schedulerHints() };
  return {
    lenient: z.strictObject({ volume: z.object(createFields()), ...hints }),
    strict: z.strictObject({
      volume: z.strictObject({ ...createFields(), backup_id: uuidLike().nullable().optional() }),
      ...hints,
    }),
  };
});

export type CreateVolumeBody = z.output<ReturnType<typeof createBody>['lenient']>;

/** Unknown keys are refused from 3.53 (microversions.json volume-schema). */
export const createVolumeBody: SchemaVersions<CreateVolumeBody> = andFrom(
  always(() => createBody().lenient),
  53,
  () => createBody().strict,
);

const updateBody = lazy(() => {
  const volume = z.strictObject({
    name: name().optional(),
    description: description().optional(),
    display_name: name().optional(),
    display_description: description().optional(),
    metadata: metadataPairs().optional(),
  });
  return { volume, body: z.strictObject({ volume }) };
});

export type UpdateVolumeBody = z.output<ReturnType<typeof updateBody>['body']>;

export const updateVolumeBody: SchemaVersions<UpdateVolumeBody> = andFrom(
  always(() => updateBody().body),
  53,
  () =>
    z.strictObject({
      volume: withAtLeastOne(updateBody().volume, [
        'name',
        'description',
        'display_name',
        'display_description',
        'metadata',
      ]),
    }),
);

export const metadataBody = always(() => z.strictObject({ metadata: metadataPairs() }));

/** One key and its value. */
export const metaBody = always(() =>
  z.strictObject({
    meta: metadataPairs().refine((pairs) => Object.keys(pairs).length === 1, {
      error: () => 'meta must have exactly one key',
    }),
  }),
);

/** The whole body of an action whose value has these fields and no others. */
const action = <K extends string, T>(key: K, value: () => z.ZodType<T>): SchemaVersions<Record<K, T>> =>
  always(() => z.strictObject({ [key]: value() }) as unknown as z.ZodType<Record<K, T>>);

export const extendBody = action('os-extend', () => z.strictObject({ new_size: sizeGiB() }));

/** Which words are statuses is the domain's to say. */
export const resetStatusBody = action('os-reset_status', () =>
  z.strictObject({
    status: z.string().nullable().optional(),
    attach_status: z.string().nullable().optional(),
    migration_status: z.string().nullable().optional(),
  }),
);

export const revertBody = action('revert', () => z.object({ snapshot_id: z.string().nullable().optional() }));

export const setImageMetadataBody = action('os-set_image_metadata', () =>
  z.strictObject({ metadata: imageMetadataPairs() }),
);

export const unsetImageMetadataBody = action('os-unset_image_metadata', () => z.strictObject({ key: textOf(1, 255) }));

export const attachBody = action('os-attach', () =>
  withAtLeastOne(
    z.strictObject({
      instance_uuid: uuidLike().optional(),
      host_name: textOf(0, 255).optional(),
      mountpoint: textOf(1, 255),
      mode: z.enum(['rw', 'ro']).optional(),
    }),
    ['instance_uuid', 'host_name'],
  ),
);

export const detachBody = action('os-detach', () =>
  z.strictObject({ attachment_id: uuidLike().nullable().optional() }).nullable(),
);

export const forceDetachBody = action('os-force_detach', () =>
  z
    .strictObject({
      attachment_id: z.string().nullable().optional(),
      connector: z
        .union([z.string(), z.record(z.string(), z.unknown())])
        .nullable()
        .optional(),
    })
    .nullable(),
);

export const setBootableBody = action('os-set_bootable', () => z.strictObject({ bootable: booleanLike() }));

export const readonlyBody = action('os-update_readonly_flag', () => z.strictObject({ readonly: booleanLike() }));
