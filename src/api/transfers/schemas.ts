import { z } from 'zod';
import { booleanLike, requiredName, uuidLike } from '../field-schemas.ts';
import { always, andFrom, lazy, type SchemaVersions } from '../schema-versions.ts';

const createFields = lazy(() => ({ volume_id: uuidLike(), name: requiredName('name').nullable().optional() }));

const createBody = lazy(() =>
  z.strictObject({
    transfer: z.strictObject(createFields()).transform((transfer) => ({ ...transfer, no_snapshots: false })),
  }),
);

export type CreateTransferBody = z.output<ReturnType<typeof createBody>>;

/** At `os-volume-transfer`: the snapshots always go along. */
export const createOldTransferBody: SchemaVersions<CreateTransferBody> = always(createBody);

/** At `volume-transfers` the snapshots may stay behind from 3.55 on. */
export const createTransferBody: SchemaVersions<CreateTransferBody> = andFrom(createOldTransferBody, 55, () =>
  z.strictObject({
    transfer: z
      .strictObject({ ...createFields(), no_snapshots: booleanLike().optional() })
      .transform(({ no_snapshots = false, ...transfer }) => ({ ...transfer, no_snapshots })),
  }),
);

export const acceptBody = always(() =>
  z.strictObject({ accept: z.strictObject({ auth_key: z.union([z.string(), z.int()]).transform(String) }) }),
);
