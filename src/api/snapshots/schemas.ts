import { z } from 'zod';
import { booleanLike, metadataPairs, printableText, textOf, uuidLike, withAtLeastOne } from '../field-schemas.ts';
import { always, andFrom, lazy, type SchemaVersions } from '../schema-versions.ts';
import { shown } from '../validation-message.ts';

const trimmed = (text: string): string => text.trim();
const name = lazy(() => textOf(0, 255).transform(trimmed).nullable().optional());
const description = lazy(() => printableText().transform(trimmed).nullable().optional());
/** Snapshot metadata keys may have no slash, unlike a volume's. */
const SNAPSHOT_KEY = /^[a-zA-Z0-9\-_:. ]{1,255}$/;
const IN_USE_WITHOUT_FORCE = 66;

const createFields = lazy(() => ({
  name: name(),
  display_name: name(),
  description: description(),
  volume_id: uuidLike(),
  metadata: metadataPairs().nullable().optional(),
}));

const createBody = lazy(() =>
  z.strictObject({ snapshot: z.strictObject({ ...createFields(), force: booleanLike().optional() }) }),
);

export type CreateSnapshotBody = z.output<ReturnType<typeof createBody>>;

/** From 3.66 `force` means nothing, and asking not to force is refused (microversions.json snapshot-in-use). */
export const createSnapshotBody: SchemaVersions<CreateSnapshotBody> = andFrom(
  always(createBody),
  IN_USE_WITHOUT_FORCE,
  () =>
    z.strictObject({
      snapshot: z.strictObject({
        ...createFields(),
        force: booleanLike()
          .refine((force) => force, {
            error: () => `force=false is not accepted from microversion 3.${IN_USE_WITHOUT_FORCE} on`,
          })
          .optional(),
      }),
    }),
);

const updateFields = lazy(() =>
  z.strictObject({
    name: name(),
    display_name: name(),
    description: description(),
    display_description: description(),
  }),
);

export const updateSnapshotBody = always(() =>
  z.strictObject({
    snapshot: withAtLeastOne(updateFields(), ['name', 'description', 'display_name', 'display_description']),
  }),
);

const pairs = lazy(() => metadataPairs(255, SNAPSHOT_KEY));

export const metadataBody = always(() => z.strictObject({ metadata: pairs() }));

/** One key and its value. */
export const metaBody = always(() =>
  z.strictObject({
    meta: pairs().refine((meta) => Object.keys(meta).length === 1, { error: () => 'meta must have exactly one key' }),
  }),
);

/** Which words are statuses is the domain's to say. */
export const resetStatusBody = always(() =>
  z.strictObject({ 'os-reset_status': z.strictObject({ status: textOf(1, 255) }) }),
);

const PROGRESS = /^(?:100|[1-9]?[0-9])%$/;

export const updateStatusBody = always(() =>
  z.strictObject({
    'os-update_snapshot_status': z.strictObject({
      status: textOf(1, 255),
      progress: z
        .string()
        .refine((text) => PROGRESS.test(text), {
          error: ({ input }) => `${shown(input)} is not a 'progress' from 0% to 100%`,
        })
        .nullable()
        .optional(),
    }),
  }),
);
