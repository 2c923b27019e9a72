import { z } from 'zod';
import { integerLike } from '../field-schemas.ts';
import { always } from '../schema-versions.ts';
import { shown } from '../validation-message.ts';

const DIGITS = /^[0-9]+$/;

/** An integer from -1 on; as text only without a sign (operations.json quota-class-update). */
const limit = (): z.ZodType<number> =>
  z
    .unknown()
    .refine((value) => typeof value !== 'string' || DIGITS.test(value), {
      error: ({ input }) => `${shown(input)} does not match '^[0-9]*$'`,
    })
    .pipe(integerLike(-1));

export const quotaClassBody = always(() =>
  z.strictObject({ quota_class_set: z.record(z.string().regex(/^[a-zA-Z0-9\-_:. ]{1,300}$/), limit()) }),
);
