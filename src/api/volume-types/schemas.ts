import { z } from 'zod';
import { booleanLike, printableText, textOf } from '../field-schemas.ts';
import { always, lazy, type SchemaVersions } from '../schema-versions.ts';

/** Bodies of types and extra specs (operations.json: types, type-extra-specs). */

const TYPE_SPEC_KEY = /^[a-zA-Z0-9\-_:. /]{1,255}$/;
/** Keys that come as a part of the path: no spaces, no slashes. */
const PATH_SPEC_KEY = /^[a-zA-Z0-9\-_:.]{1,255}$/;

const specs = (key: RegExp): z.ZodType<Record<string, string | null>> =>
  z.record(z.string().regex(key), z.string().max(255).nullable());

/** Text of 1 to 255 characters that is not blank, as it is. */
export const notBlank = (what: string): z.ZodType<string> =>
  textOf(1, 255).refine((text) => text.trim() !== '', {
    params: { whole: true },
    error: () => `Invalid input received: ${what} can not be empty.`,
  });

const createFields = lazy(() =>
  z.strictObject({
    name: notBlank('name'),
    description: printableText().nullable().optional(),
    extra_specs: specs(TYPE_SPEC_KEY).optional(),
    'os-volume-type-access:is_public': booleanLike().optional(),
  }),
);

export const createTypeBody = always(() => z.strictObject({ volume_type: createFields() }));

const updateFields = lazy(() =>
  z.strictObject({
    name: textOf(1, 255).nullable().optional(),
    description: printableText().nullable().optional(),
    is_public: booleanLike().optional(),
  }),
);

export const updateTypeBody = always(() => z.strictObject({ volume_type: updateFields() }));

export const extraSpecsBody = always(() => z.strictObject({ extra_specs: specs(PATH_SPEC_KEY) }));

/** One key and its value, without an envelope. */
export const extraSpecBody = always(() =>
  specs(PATH_SPEC_KEY).refine((pairs) => Object.keys(pairs).length === 1, {
    error: () => 'exactly one extra spec is expected',
  }),
);

const UNUSABLE = 'The server could not comply with the request since it is either malformed or otherwise incorrect.';

/** Actions that the original routes by accident, and to whose bodies it always answers 400 (operations.json types-action-*). */
export const unusableBody: SchemaVersions<unknown> = always(() =>
  z.unknown().refine(() => false, { params: { whole: true }, error: () => UNUSABLE }),
);
