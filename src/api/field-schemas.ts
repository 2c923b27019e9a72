import { z } from 'zod';
import { MAX_INT } from '../domain/kernel/units.ts';
import { booleanOf } from './booleans.ts';
import { shown } from './validation-message.ts';

/** Fields that many bodies share; limits and sentences as contract/errors.md §6 and operations.json `meta.formats`. */

const MAX_NAME = 255;
const UUID = /^(?:urn:uuid:)?\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?$/i;
const PRINTABLE = /^[^\p{Cc}\p{Cs}]*$/u;

const TRUE_STRINGS: readonly string[] = ['True', 'TRUE', 'true', '1', 'ON', 'On', 'on', 'YES', 'Yes', 'yes', 'y', 't'];
const FALSE_STRINGS: readonly string[] = [
  'False',
  'FALSE',
  'false',
  '0',
  'OFF',
  'Off',
  'off',
  'NO',
  'No',
  'no',
  'n',
  'f',
];

/** A refusal that is a sentence of its own, not said of one field's value. */
const whole = (message: string): { readonly code: 'custom'; readonly message: string; readonly params: object } => ({
  code: 'custom',
  message,
  params: { whole: true },
});

/** true, false or one of the spellings of errors.md §6; numbers are refused. */
export const booleanLike = (): z.ZodType<boolean> =>
  z.union([z.boolean(), z.string()]).transform((value, context) => {
    if (typeof value === 'boolean') return value;
    if (TRUE_STRINGS.includes(value)) return true;
    if (FALSE_STRINGS.includes(value)) return false;
    context.addIssue({ code: 'custom', message: `${shown(value)} is not one of [true, false, 'true', 'false', ...]` });
    return z.NEVER;
  });

/** Text of at most 255 characters once trimmed, or null; trimmed. `what` names it in the fault. */
export const trimmedText = (what: string): z.ZodType<string | null> =>
  z
    .string()
    .nullable()
    .transform((text, context) => {
      const trimmed = text?.trim() ?? null;
      if (trimmed !== null && trimmed.length > MAX_NAME) {
        context.addIssue(
          whole(`Invalid input received: ${what} has ${trimmed.length} characters, more than ${MAX_NAME}.`),
        );
        return z.NEVER;
      }
      return trimmed;
    });

/** Text of 1 to 255 characters once trimmed; trimmed. */
export const requiredName = (what: string): z.ZodType<string> =>
  z.string().transform((text, context) => {
    const trimmed = text.trim();
    if (trimmed === '' || trimmed.length > MAX_NAME) {
      const reason =
        trimmed === ''
          ? 'has a minimum character requirement of 1.'
          : `has ${trimmed.length} characters, more than ${MAX_NAME}.`;
      context.addIssue(whole(`Invalid input received: ${what} ${reason}`));
      return z.NEVER;
    }
    return trimmed;
  });

/** Text of `min` to `max` characters as it is. */
export const textOf = (min: number, max: number): z.ZodType<string> => z.string().min(min).max(max);

/** Printable text of at most 255 characters. */
export const printableText = (): z.ZodType<string> =>
  z
    .string()
    .max(MAX_NAME)
    .refine((text) => PRINTABLE.test(text), {
      error: ({ input }) => `${shown(input)} has characters that are not printable`,
    });

/** Any spelling of a UUID, hyphens optional; brought into the usual one. */
export const uuidLike = (): z.ZodType<string> =>
  z
    .string()
    .refine((text) => UUID.test(text), { error: ({ input }) => `${shown(input)} is not a 'uuid'` })
    .transform((text) => {
      const digits = text.toLowerCase().replaceAll(/urn:|uuid:|[{}-]/g, '');
      return digits.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
    });

/** An integer, or its digits as text, within bounds. */
export const integerLike = (min: number, max: number = MAX_INT): z.ZodType<number> =>
  z.union([z.number(), z.string()]).transform((value, context) => {
    const number = typeof value === 'string' && /^-?[0-9]+$/.test(value) ? Number(value) : value;
    const text = shown(value);
    let problem: string | null = null;
    if (typeof number === 'string') problem = `${text} does not match '^[0-9]+$'`;
    else if (!Number.isInteger(number)) problem = `${text} is not of type 'integer'`;
    else if (number < min) problem = `${text} is less than the minimum of ${min}`;
    else if (number > max) problem = `${text} is greater than the maximum of ${max}`;
    if (problem === null) return number as number;
    context.addIssue({ code: 'custom', message: problem });
    return z.NEVER;
  });

/** A size in GiB: 1 to 2147483647. */
export const sizeGiB = (): z.ZodType<number> => integerLike(1);

const METADATA_KEY = /^[a-zA-Z0-9\-_:. /]{1,255}$/;

/** Keys of 1 to 255 of the letters that the API allows, values of at most `maxValue` characters. */
export const metadataPairs = (maxValue = 255, key: RegExp = METADATA_KEY): z.ZodType<Record<string, string>> =>
  z.record(z.string().regex(key), z.string().max(maxValue));

const MYSQL_TEXT_BYTES = 65_535;

/** Image metadata: values up to 65535 bytes of UTF-8. */
export const imageMetadataPairs = (): z.ZodType<Record<string, string>> =>
  z.record(
    z.string().regex(METADATA_KEY),
    z.string().refine((text) => Buffer.byteLength(text) <= MYSQL_TEXT_BYTES, {
      error: () => `value is longer than ${MYSQL_TEXT_BYTES} bytes`,
    }),
  );

/** Adds: at least one of these keys must be there. */
export const withAtLeastOne = <T extends object>(
  schema: z.ZodType<T>,
  keys: readonly (keyof T & string)[],
): z.ZodType<T> =>
  schema.refine((value) => keys.some((key) => value[key] !== undefined), {
    error: () => `at least one of ${keys.map((key) => `'${key}'`).join(', ')} is a required property`,
  });

/** A boolean of a query: strict, and absent is false (contract/errors.md §5). */
export const booleanQuery = (name: string): z.ZodType<boolean> =>
  z
    .string()
    .optional()
    .transform((text, context) => {
      if (text === undefined) return false;
      const value = booleanOf(text);
      if (value !== undefined) return value;
      context.addIssue(whole(`Value ${shown(text)} for '${name}' is not a boolean.`));
      return z.NEVER;
    });
