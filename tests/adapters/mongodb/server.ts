import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { inject } from 'vitest';
import type { TestProject } from 'vitest/node';

/** The server that tests run against, or why there is none. */
export interface MongoServer {
  readonly url: string | null;
  /** What it cannot do that MongoDB can, so that what needs it is skipped and said so. */
  readonly standIn: boolean;
  readonly reason: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    mongodb: MongoServer;
  }
}

const STAND_IN = resolve('../shared/mongo');
const run = promisify(execFile);

/** Global setup of the engines tier: the server that SCORIA_TEST_MONGODB names, else the stand-in where it is at hand. */
export async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const named = process.env.SCORIA_TEST_MONGODB;
  if (named !== undefined && named !== '') {
    project.provide('mongodb', { url: named, standIn: false, reason: 'named by SCORIA_TEST_MONGODB' });
    return;
  }
  if (!existsSync(join(STAND_IN, 'mongo-up'))) {
    const reason = 'SCORIA_TEST_MONGODB names no server, and the stand-in is not here';
    console.log(`MongoDB: skipped: ${reason}`);
    project.provide('mongodb', { url: null, standIn: false, reason });
    return;
  }
  const port = String(await freePort());
  const { stdout } = await run(join(STAND_IN, 'mongo-up'), [port]);
  const url = /mongodb:\/\/\S+/.exec(stdout)?.[0];
  if (url === undefined) throw new Error(`mongo-up printed no URL: ${stdout}`);
  console.log(`MongoDB: the stand-in at ${url}; what only a real server shows is skipped`);
  project.provide('mongodb', { url, standIn: true, reason: 'the stand-in' });
  return async () => {
    await run(join(STAND_IN, 'mongo-down'), [port]);
  };
}

/** The server of this run. Outside the engines tier there is none. */
export const mongoServer = (): MongoServer =>
  (inject('mongodb') as MongoServer | undefined) ?? {
    url: null,
    standIn: false,
    reason: 'only `npm run test:engines` has a server',
  };

export interface TestDatabase {
  readonly url: string;
  readonly database: string;
  drop(): Promise<void>;
}

/** A database of one test file's own. */
export function testDatabase(): TestDatabase {
  const { url, reason } = mongoServer();
  if (url === null) throw new Error(reason);
  const database = `scoria-test-${randomUUID()}`;
  return {
    url,
    database,
    drop: async () => {
      const client = new MongoClient(url);
      await client.db(database).dropDatabase();
      await client.close();
    },
  };
}

const freePort = (): Promise<number> =>
  new Promise((found) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => found(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
