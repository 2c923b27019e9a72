import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { fileDriverConfigSchema } from './drivers/storage/file/config.ts';

const limit = (text: string, fallback: number) =>
  z.int().min(-1).max(2_147_483_647).default(fallback).describe(`${text}; -1 is no limit`);

/** Roles a process may have: all but the last by default, the last only alone. */
export const ROLES = ['api', 'projections', 'operations', 'storage', 'eventstore'] as const;
export type Role = (typeof ROLES)[number];
const DEFAULT_ROLES = ['api', 'projections', 'operations', 'storage'] as const satisfies readonly Role[];

/** Where clients of the Block Storage API look for it. */
export const API_PORT = 8776;
/** Where clients of EventStoreDB look for it. */
const EVENTSTORE_PORT = 2113;

const backendSchema = fileDriverConfigSchema.omit({ backendName: true, directory: true }).extend({
  name: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'letters, digits, dot, underscore and dash, at most 64')
    .describe('Name of the backend: the part behind @ of host@backend#pool'),
  driver: z.literal('file').default('file').describe('Which storage driver serves it'),
  directory: z.string().min(1).optional().describe('Where its pools lie; <dataDir>/backends/<name> when absent'),
  backendName: z
    .string()
    .min(1)
    .optional()
    .describe('What extra specs ask for as volume_backend_name; the name when absent'),
  availabilityZone: z.string().min(1).default('nova').describe('Zone of its volumes'),
});

/** The whole configuration. Unknown keys are errors; every key has a default, so that no file is needed at all. */
export const configSchema = z.strictObject({
  server: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe('Address the API listens on (SCORIA_HOST); no-auth is refused beyond loopback'),
      port: z
        .int()
        .min(0)
        .max(65_535)
        .nullable()
        .default(null)
        .describe(
          `Port of the API, ${API_PORT} where null (SCORIA_PORT); 0 takes a free one. A process without role api has /healthz, /readyz and /metrics there, and nothing where null`,
        ),
      publicEndpoint: z
        .url()
        .nullable()
        .default(null)
        .describe('Base of links in answers; what the request says when null'),
      maxLimit: z.int().min(1).default(1000).describe('Longest page of any list (osapi_max_limit)'),
      requestTimeoutSeconds: z
        .number()
        .min(0.1)
        .max(3_600)
        .default(30)
        .describe('How long a client may take to send a request; its headers may take half of it'),
      maxConnections: z
        .int()
        .min(1)
        .default(4_096)
        .describe('Connections at one time; what comes on top is closed at once'),
    })
    .prefault({}),
  dataDir: z
    .string()
    .min(1)
    .default('./data')
    .describe('Where the embedded stores and file backends live (SCORIA_DATA_DIR)'),
  hostName: z
    .string()
    .regex(/^[A-Za-z0-9._-]+$/)
    .default('scoria')
    .describe('Name of this host in service and pool names: the part before @ of host@backend#pool'),
  roles: z
    .array(z.enum(ROLES))
    .min(1)
    .default([...DEFAULT_ROLES])
    .describe('What this process does (SCORIA_ROLES, comma list)'),
  logLevel: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('Least level that is logged (SCORIA_LOG_LEVEL)'),
  auth: z.enum(['noauth']).default('noauth').describe('How callers are known (SCORIA_AUTH)'),
  eventStore: z
    .string()
    .regex(
      /^(sqlite|esdb(\+discover)?:\/\/[^/?].*)$/,
      'sqlite, or a connection string esdb://... or esdb+discover://...',
    )
    .default('sqlite')
    .describe('Where the log lives: sqlite, or the esdb:// connection string of an EventStoreDB (SCORIA_EVENTSTORE)'),
  readStore: z
    .string()
    .regex(/^(sqlite|mongodb(\+srv)?:\/\/[^/?].*)$/, 'sqlite, or a URL mongodb://... or mongodb+srv://...')
    .default('sqlite')
    .describe(
      'Where read models, leases and unfinished work live: sqlite, or the mongodb:// URL of a MongoDB (SCORIA_READSTORE)',
    ),
  eventStoreServer: z
    .strictObject({
      host: z
        .string()
        .default('127.0.0.1')
        .describe("Address EventStoreDB's protocol is served on; beyond loopback only with users and TLS"),
      port: z
        .int()
        .min(0)
        .max(65_535)
        .nullable()
        .default(null)
        .describe(
          `Port of that protocol (SCORIA_EVENTSTORE_PORT); where null, it is not served, or by role eventstore on ${EVENTSTORE_PORT}`,
        ),
      users: z
        .array(
          z.strictObject({
            name: z.string().min(1).describe('Name the client sends'),
            passwordFile: z.string().min(1).describe('File that holds the password, in its first line'),
          }),
        )
        .default([])
        .describe('Who may connect; anybody where the list is empty'),
      tlsCertificateFile: z.string().min(1).nullable().default(null).describe('PEM file of the certificate chain'),
      tlsKeyFile: z.string().min(1).nullable().default(null).describe('PEM file of its private key'),
    })
    .prefault({}),
  storage: z
    .strictObject({
      backends: z
        .array(backendSchema)
        .min(1)
        .default([backendSchema.parse({ name: 'file', pools: [{ name: 'pool' }] })])
        .refine((all) => new Set(all.map(({ name }) => name)).size === all.length, 'two backends have the same name')
        .describe('Storage backends this process may own'),
      reportEverySeconds: z.number().positive().default(10).describe('How often a backend is measured and beats'),
    })
    .prefault({}),
  scheduler: z
    .strictObject({
      optionsFile: z
        .string()
        .min(1)
        .nullable()
        .default(null)
        .describe('JSON file of placement options, read again when it changes'),
      serviceDownSeconds: z
        .number()
        .positive()
        .default(60)
        .describe('A service without a beat for so long is down (service_down_time)'),
    })
    .prefault({}),
  quota: z
    .strictObject({
      volumes: limit('Volumes of a project', 10),
      snapshots: limit('Snapshots of a project', 10),
      gigabytes: limit('GiB of volumes and snapshots of a project', 1000),
      perVolumeGigabytes: limit('GiB of one volume', -1),
      backups: limit('Backups of a project', 10),
      backupGigabytes: limit('GiB of backups of a project', 1000),
      groups: limit('Groups of a project', 10),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type BackendConfig = Config['storage']['backends'][number];

/** The configuration cannot be used; the message names every key and what is wrong with it. */
export class ConfigError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'ConfigError';
  }
}

/** Keys that have a variable, with the path they stand for. */
export const CONFIG_VARIABLES = {
  SCORIA_HOST: ['server', 'host'],
  SCORIA_PORT: ['server', 'port'],
  SCORIA_DATA_DIR: ['dataDir'],
  SCORIA_ROLES: ['roles'],
  SCORIA_LOG_LEVEL: ['logLevel'],
  SCORIA_AUTH: ['auth'],
  SCORIA_EVENTSTORE: ['eventStore'],
  SCORIA_READSTORE: ['readStore'],
  SCORIA_EVENTSTORE_PORT: ['eventStoreServer', 'port'],
} as const satisfies Record<string, readonly string[]>;

type Tree = { [key: string]: unknown };

/**
 * Reads the file (`--config`, else SCORIA_CONFIG, else none), the environment, which wins over it, and `roles` (a comma
 * list), which wins over both; throws ConfigError.
 */
export function loadConfig(
  options: {
    readonly file?: string | undefined;
    readonly env?: NodeJS.ProcessEnv;
    readonly roles?: string | undefined;
  } = {},
): Config {
  const env = options.env ?? process.env;
  const file = options.file ?? env.SCORIA_CONFIG;
  const tree = file === undefined ? {} : readTree(file);
  for (const [variable, path] of Object.entries(CONFIG_VARIABLES)) {
    const value = env[variable];
    if (value !== undefined && value !== '') setAt(tree, path, valueOfVariable(variable, value));
  }
  if (options.roles !== undefined) tree.roles = listOf(options.roles);
  return parseConfig(tree);
}

/** Checks a configuration that was read or built elsewhere; throws ConfigError. */
export function parseConfig(tree: unknown): Config {
  const parsed = configSchema.safeParse(tree);
  if (!parsed.success) {
    const problems = parsed.error.issues.map(({ path, message }) => `  ${path.join('.') || '(top)'}: ${message}`);
    throw new ConfigError(`the configuration cannot be used:\n${problems.join('\n')}`);
  }
  const config = parsed.data;
  if (config.auth === 'noauth' && !isLoopback(config.server.host)) {
    throw new ConfigError(
      `server.host: ${config.server.host} is not a loopback address, and without authentication nothing else is allowed`,
    );
  }
  checkRoles(config);
  return withPorts(config);
}

/** The ports that the roles have by custom, where none is said. */
const withPorts = (config: Config): Config => {
  const { roles, server, eventStoreServer } = config;
  return {
    ...config,
    server: { ...server, port: server.port ?? (roles.includes('api') ? API_PORT : null) },
    eventStoreServer: {
      ...eventStoreServer,
      port: eventStoreServer.port ?? (roles.includes('eventstore') ? EVENTSTORE_PORT : null),
    },
  };
};

/** True where every store may be used by many processes; an embedded one has one process. */
export const isShared = ({ eventStore, readStore }: Pick<Config, 'eventStore' | 'readStore'>): boolean =>
  eventStore !== 'sqlite' && readStore !== 'sqlite';

/** To be shown: the passwords in connection strings are left out. */
export const withoutPasswords = (config: Config): Config => ({
  ...config,
  eventStore: withoutPassword(config.eventStore),
  readStore: withoutPassword(config.readStore),
});

/** A connection string to be shown. A password may hold an @ itself. */
export const withoutPassword = (connection: string): string => connection.replace(/(:\/\/[^:@/?]*):.*@/, '$1:***@');

/**
 * An embedded store has one process, which then does everything: what it leaves out would be done by nobody. EventStoreDB's
 * protocol makes Scoria's own streams writable where it is alone: beside commands that remember what they wrote it must not.
 */
function checkRoles(config: Config): void {
  const { roles } = config;
  if (roles.includes('eventstore')) {
    if (roles.some((role) => role !== 'eventstore')) {
      throw new ConfigError('roles: eventstore stands alone: beside other roles nobody else may write their streams');
    }
    if (config.eventStore !== 'sqlite') {
      throw new ConfigError('eventStore: role eventstore serves the embedded log, so it must be sqlite here');
    }
    return;
  }
  const missing = DEFAULT_ROLES.filter((role) => !roles.includes(role));
  if (missing.length === 0 || isShared(config)) return;
  const embedded = (['eventStore', 'readStore'] as const).filter((key) => config[key] === 'sqlite');
  throw new ConfigError(
    `roles: ${missing.join(', ')} would be done by nobody: only one process may use an embedded store, and ${embedded.join(' and ')} ${embedded.length > 1 ? 'are' : 'is'} one`,
  );
}

export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);

/** Directory of a file backend, absolute. */
export const backendDirectory = (config: Config, backend: BackendConfig): string =>
  resolve(backend.directory ?? `${config.dataDir}/backends/${backend.name}`);

/** Files of the embedded stores. */
export const storeFiles = ({ dataDir }: Pick<Config, 'dataDir'>) => ({
  events: join(dataDir, 'events.db'),
  readModels: join(dataDir, 'read-models.db'),
  coordination: join(dataDir, 'coordination.db'),
});

/** Loaded where there is a file: most servers start without one. */
const yaml = (): typeof import('yaml') => createRequire(import.meta.url)('yaml');

function readTree(file: string): Tree {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new ConfigError(
      `configuration file ${file} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  try {
    const tree: unknown = yaml().parse(text);
    if (tree === null) return {};
    if (typeof tree === 'object' && !Array.isArray(tree)) return tree as Tree;
  } catch (error) {
    throw new ConfigError(`configuration file ${file} is not YAML: ${error instanceof Error ? error.message : error}`);
  }
  throw new ConfigError(`configuration file ${file}: a mapping is expected at the top`);
}

function valueOfVariable(variable: string, value: string): unknown {
  if (variable === 'SCORIA_PORT' || variable === 'SCORIA_EVENTSTORE_PORT') return Number(value);
  return variable === 'SCORIA_ROLES' ? listOf(value) : value;
}

const listOf = (text: string): readonly string[] => text.split(',').map((one) => one.trim());

function setAt(tree: Tree, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    tree[key] = value;
    return;
  }
  const below = tree[key];
  const branch: Tree = typeof below === 'object' && below !== null ? (below as Tree) : {};
  tree[key] = branch;
  setAt(branch, rest, value);
}
