import { type Db, MongoClient, ReadConcern } from 'mongodb';
import { type CallKind, faultOf, overdue } from './faults.ts';
import { reconnectWhenStuck } from './heartbeats.ts';

export interface MongoOptions {
  /** Any `mongodb://` or `mongodb+srv://` URL; what it says of timeouts and pools is kept. */
  readonly url: string;
  /** The URL's when absent, and `scoria` where that names none. */
  readonly database?: string;
  /** Longest wait for one answer. */
  readonly deadlineMs?: number;
}

export interface CallOptions {
  /** Null: as long as it takes (an index over many documents). */
  readonly deadlineMs?: number | null;
}

/** A client of one database; its failures come out as StoreUnavailable. */
export interface MongoConnection {
  readonly db: Db;
  read<T>(call: () => Promise<T>, options?: CallOptions): Promise<T>;
  write<T>(call: () => Promise<T>, options?: CallOptions): Promise<T>;
  close(): Promise<void>;
}

const DEFAULT_DEADLINE_MS = 10_000;

/**
 * Connects and asks for one answer. Everything goes to the primary, is written with majority and read with majority: an
 * acknowledged write survives a change of primary, and nothing is ever read that might be rolled back. The driver
 * connects again by itself, and is made to where it would not. Throws StoreUnavailable, or the server's refusal (credentials).
 */
export async function connectMongo(options: MongoOptions): Promise<MongoConnection> {
  const deadlineMs = options.deadlineMs ?? DEFAULT_DEADLINE_MS;
  const client = new MongoClient(options.url, {
    ...unlessNamed(options.url, { serverSelectionTimeoutMS: 5_000, connectTimeoutMS: 5_000, appName: 'scoria' }),
    // int64 both ways, so that positions keep every bit
    useBigInt64: true,
    // as JSON has it: a field without a value is no field
    ignoreUndefined: true,
  });
  const heartbeats = reconnectWhenStuck(client);
  const db = client.db(options.database ?? databaseOf(options.url), {
    readPreference: 'primary',
    readConcern: new ReadConcern('majority'),
    writeConcern: { w: 'majority' },
  });
  // The driver has no time limit for a call: a server that hangs is noticed by its monitor only.
  const calling = async <T>(kind: CallKind, call: () => Promise<T>, limitMs: number | null): Promise<T> => {
    try {
      return limitMs === null ? await call() : await within(limitMs, kind, call());
    } catch (error) {
      throw faultOf(error, kind);
    }
  };
  const connection: MongoConnection = {
    db,
    read: (call, { deadlineMs: limitMs = deadlineMs } = {}) => calling('read', call, limitMs),
    write: (call, { deadlineMs: limitMs = deadlineMs } = {}) => calling('write', call, limitMs),
    close: async () => {
      await heartbeats.stop();
      await client.close();
    },
  };
  try {
    await connection.read(() => db.command({ ping: 1 }));
    return connection;
  } catch (error) {
    await connection.close().catch(() => undefined);
    throw error;
  }
}

/** Settings that the URL does not have. */
const unlessNamed = (url: string, settings: Readonly<Record<string, unknown>>): Record<string, unknown> => {
  const named = new Set([...new URLSearchParams(url.split('?')[1] ?? '').keys()].map((name) => name.toLowerCase()));
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !named.has(name.toLowerCase())));
};

const databaseOf = (url: string): string => {
  const name = /^mongodb(?:\+srv)?:\/\/[^/?]+\/([^?]+)/.exec(url)?.[1];
  return name === undefined ? 'scoria' : decodeURIComponent(name);
};

async function within<T>(limitMs: number, kind: CallKind, call: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(overdue(limitMs, kind)), limitMs);
  });
  try {
    return await Promise.race([call, late]);
  } finally {
    clearTimeout(timer);
    // its late failure was reported already
    call.catch(() => undefined);
  }
}
