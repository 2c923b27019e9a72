import type { z } from 'zod';
import type { Microversion } from './microversion.ts';

/** A schema from one microversion on, built when it is first needed. */
export interface SchemaVersion<T> {
  readonly since: Microversion;
  readonly schema: () => z.ZodType<T>;
  /** The input is checked where it is used; the schema is there for the API's description. */
  readonly onlyDescribes?: true;
}

/** Schemas by microversion range, ascending by `since`; each holds until the next one begins. */
export type SchemaVersions<T> = readonly SchemaVersion<T>[];

/** Builds its value at first use: schemas cost time and memory that a start does not have. */
export function lazy<T>(build: () => T): (() => T) & { readonly used: () => boolean } {
  let built: { readonly value: T } | null = null;
  const get = (): T => {
    built ??= { value: build() };
    return built.value;
  };
  return Object.assign(get, { used: () => built !== null });
}

/** One schema for all microversions. */
export const always = <T>(build: () => z.ZodType<T>): SchemaVersions<T> => [{ since: 0, schema: lazy(build) }];

/** A schema that only describes: nothing is checked against it. */
export const described = <T>(build: () => z.ZodType<T>): SchemaVersions<T> => [
  { since: 0, schema: lazy(build), onlyDescribes: true },
];

/** Adds the schema that holds from a later microversion on. */
export const andFrom = <T>(
  versions: SchemaVersions<T>,
  since: Microversion,
  build: () => z.ZodType<T>,
): SchemaVersions<T> => [...versions, { since, schema: lazy(build) }];

/** The schema that holds at a microversion. */
export function schemaAt<T>(versions: SchemaVersions<T>, microversion: Microversion): z.ZodType<T> | null {
  for (let index = versions.length - 1; index >= 0; index -= 1) {
    const version = versions[index];
    if (version !== undefined && version.since <= microversion) return version.schema();
  }
  return null;
}
