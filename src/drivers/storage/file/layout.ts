import { join, resolve, sep } from 'node:path';
import { DriverError } from '../driver.ts';
import type { FileDriverConfig } from './config.ts';

export type ObjectKind = 'volume' | 'snapshot';

/** One object of the backend: `<directory>/<pool>/<kind>s/<name>` when it is complete. */
export interface ObjectAddress {
  readonly kind: ObjectKind;
  readonly pool: string;
  readonly name: string;
}

/** What a file under the token's directory is for; a role and an address give one name. */
export type AsideRole = 'new' | 'moved' | 'removed';

/** Where things lie. Each pool has its own `work`, so that a pool may be a file system of its own. */
export interface Layout {
  readonly pools: readonly string[];
  poolDirectory(pool: string): string;
  objectsDirectory(kind: ObjectKind, pool: string): string;
  pathOf(address: ObjectAddress): string;
  workDirectory(pool: string): string;
  /** Everything unfinished of one fencing token in one pool. */
  tokenDirectory(pool: string, fencingToken: bigint): string;
  asidePath(address: ObjectAddress, fencingToken: bigint, role: AsideRole): string;
}

/** Room below the 255 bytes of a file name for what is put before it under `work`. */
const MAX_NAME_BYTES = 200;

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const NOT_IN_A_NAME = /[/\\\u0000-\u001f\u007f]/;

/** Refuses what could lead out of the pool's directory: names come from the log and from people (manage). */
const checkedName = (kind: ObjectKind, name: string): string => {
  const bad =
    name === '' || name.startsWith('.') || NOT_IN_A_NAME.test(name) || Buffer.byteLength(name) > MAX_NAME_BYTES;
  if (bad) throw new DriverError(`${JSON.stringify(name)} cannot be the name of a ${kind} on this backend`);
  return name;
};

export function layoutOf(config: FileDriverConfig): Layout {
  const root = resolve(config.directory);
  const pools = config.pools.map((pool) => pool.name);
  // Joined once: every call of the driver needs several of them. A checked name is a single name, put behind as it is.
  const directories = new Map(
    pools.map((pool) => {
      const of = (name: string): string => join(root, pool, name);
      return [pool, { pool: join(root, pool), volume: of('volumes'), snapshot: of('snapshots'), work: of('work') }];
    }),
  );
  const directoriesOf = (pool: string) => {
    const found = directories.get(pool);
    if (found === undefined) throw new DriverError(`backend ${config.backendName} has no pool ${JSON.stringify(pool)}`);
    return found;
  };
  const objectsDirectory = (kind: ObjectKind, pool: string): string => directoriesOf(pool)[kind];
  const workDirectory = (pool: string): string => directoriesOf(pool).work;
  const tokenDirectory = (pool: string, fencingToken: bigint): string =>
    `${workDirectory(pool)}${sep}${String(fencingToken)}`;
  return {
    pools,
    poolDirectory: (pool) => directoriesOf(pool).pool,
    objectsDirectory,
    workDirectory,
    tokenDirectory,
    pathOf: ({ kind, pool, name }) => `${objectsDirectory(kind, pool)}${sep}${checkedName(kind, name)}`,
    asidePath: ({ kind, pool, name }, fencingToken, role) =>
      `${tokenDirectory(pool, fencingToken)}${sep}${role}.${kind}.${checkedName(kind, name)}`,
  };
}
