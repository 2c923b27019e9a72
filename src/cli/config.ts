import { z } from 'zod';
import { CONFIG_VARIABLES, configSchema, loadConfig, withoutPasswords } from '../config.ts';
import { print, printRows } from './output.ts';
import type { CommonOptions } from './program.ts';

interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly JsonSchema[];
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema;
  readonly default?: unknown;
  readonly description?: string;
}

interface Key {
  readonly key: string;
  readonly type: string;
  readonly default: string;
  readonly meaning: string;
  readonly variable: string;
}

/** Every key of the configuration (or of another schema), from the schema itself. */
export function configKeys(schema: z.ZodType = configSchema): readonly Key[] {
  return keysOf(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as JsonSchema, []);
}

export function configReference(options: CommonOptions): void {
  printRows(
    [...configKeys()].map((key) => ({ ...key })),
    ['key', 'type', 'default', 'variable', 'meaning'],
    options,
  );
}

export function configShow(options: CommonOptions): void {
  print(JSON.stringify(withoutPasswords(loadConfig({ file: options.config })), null, 2));
}

function keysOf(schema: JsonSchema, path: readonly string[]): readonly Key[] {
  if (schema.properties !== undefined) {
    return Object.entries(schema.properties).flatMap(([key, below]) => keysOf(below, [...path, key]));
  }
  const key = path.join('.');
  const own: Key = {
    key,
    type: typeOf(schema),
    default: schema.default === undefined ? '' : JSON.stringify(schema.default),
    meaning: schema.description ?? '',
    variable: variableOf(path),
  };
  return schema.items?.properties === undefined
    ? [own]
    : [own, ...keysOf(schema.items, [...path.slice(0, -1), `${path.at(-1)}[]`])];
}

function typeOf(schema: JsonSchema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeOf).join(' | ');
  if (schema.type === 'array') return `list of ${schema.items === undefined ? 'anything' : typeOf(schema.items)}`;
  return [schema.type ?? 'anything'].flat().join(' | ');
}

function variableOf(path: readonly string[]): string {
  const found = Object.entries(CONFIG_VARIABLES).find(([, target]) => target.join('.') === path.join('.'));
  return found?.[0] ?? '';
}
