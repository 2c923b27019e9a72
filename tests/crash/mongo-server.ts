import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { reservedPort } from '../engines/reserved-port.ts';

const STAND_IN = resolve('../shared/mongo');
const run = promisify(execFile);

/** Why no scenario over engines can run here; null where one can. */
export const whyNoMongo = (): string | null =>
  named() !== null || existsSync(join(STAND_IN, 'mongo-up'))
    ? null
    : 'SCORIA_TEST_MONGODB names no server, and the stand-in is not here';

const named = (): string | null => process.env.SCORIA_TEST_MONGODB || null;

/** A database of one run's own, on the server that SCORIA_TEST_MONGODB names, else on the stand-in. */
export interface MongoDatabase {
  readonly url: string;
  readonly what: string;
  /** Drops it, and stops the server where it was started for this. */
  end(): Promise<void>;
}

export async function startMongoDatabase(name: string): Promise<MongoDatabase> {
  const server = named() ?? (await startStandIn());
  const { url, stop } = typeof server === 'string' ? { url: server, stop: async () => undefined } : server;
  return {
    url: url.replace(/^(mongodb(?:\+srv)?:\/\/[^/?]+)\/?[^?]*/, `$1/${name}`),
    what: typeof server === 'string' ? 'the MongoDB of SCORIA_TEST_MONGODB' : 'the stand-in for MongoDB',
    end: async () => {
      const client = new MongoClient(url);
      await client.db(name).dropDatabase();
      await client.close();
      await stop();
    },
  };
}

async function startStandIn(): Promise<{ readonly url: string; readonly stop: () => Promise<undefined> }> {
  const port = String(await reservedPort());
  const { stdout } = await run(join(STAND_IN, 'mongo-up'), [port]);
  const url = /mongodb:\/\/\S+/.exec(stdout)?.[0];
  if (url === undefined) throw new Error(`mongo-up printed no URL: ${stdout}`);
  const stop = async (): Promise<undefined> => {
    await run(join(STAND_IN, 'mongo-down'), [port]);
  };
  return { url, stop };
}
