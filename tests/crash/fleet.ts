import { join } from 'node:path';
import type { Config, Role } from '../../src/config.ts';
import { storeFiles } from '../../src/config.ts';
import { reservedPort } from '../engines/reserved-port.ts';
import { askOnce, type Sender } from './client.ts';
import { startMongoDatabase } from './mongo-server.ts';
import { createServerHome, type ServerHome, type ServerProcess } from './server-process.ts';

export type FleetRole = Exclude<Role, 'eventstore'>;

/** One of two processes of a role. */
export interface Member {
  readonly name: string;
  readonly role: FleetRole;
  readonly home: ServerHome;
  /** As it was started last; null before. */
  process: ServerProcess | null;
  running: boolean;
}

/** Two processes of every role over one log and one database. */
export interface Fleet {
  readonly config: Config;
  /** The embedded log behind the protocol's server; null where an EventStoreDB keeps it. */
  readonly logFile: string | null;
  readonly members: readonly Member[];
  readonly engines: string;
  /** Of the two of a role, the one that took up its work last, else the first. */
  holderOf(role: FleetRole): Member;
  start(member: Member): Promise<void>;
  /** Sends to the two APIs in turn, and to the other one where nobody listens. */
  readonly sender: Sender;
  readonly url: string;
}

export const FLEET_ROLES: readonly FleetRole[] = ['storage', 'operations', 'projections', 'api'];

/** What a process logs when work is its own from then on. */
const TAKES_UP = ['backend taken up', 'operations partition taken', 'this process keeps the read models'];

/** A paused API takes connections and answers none of them. */
const ANSWER_WITHIN_MS = 5_000;

/** Starts engines and processes below a home's folder, to end with it; `tree` is the configuration that all have, `name` the database. */
export async function startFleet(
  home: ServerHome,
  tree: {
    readonly storage: { readonly backends: readonly { readonly name: string }[] };
    readonly [key: string]: unknown;
  },
  name: string,
): Promise<Fleet> {
  const { folder } = home;
  const mongo = await startMongoDatabase(name);
  home.stopWith(mongo.end);
  const named = process.env.SCORIA_TEST_EVENTSTOREDB || null;
  const port = await reservedPort();
  const logHome =
    named === null
      ? createServerHome(join(folder, 'log'), { roles: ['eventstore'], eventStoreServer: { port } })
      : null;
  const backends = tree.storage.backends.map((backend) => ({
    ...backend,
    directory: join(folder, 'backends', backend.name),
  }));
  const shared = {
    ...tree,
    storage: { ...tree.storage, backends },
    eventStore: named ?? `esdb://127.0.0.1:${port}?tls=false`,
    readStore: mongo.url,
  };
  const members: Member[] = FLEET_ROLES.flatMap((role) =>
    [1, 2].map((number) => ({
      name: `${role}-${number}`,
      role,
      home: createServerHome(join(folder, `${role}-${number}`), { ...shared, roles: [role] }, TAKES_UP),
      process: null,
      running: false,
    })),
  );
  const [first] = members as [Member];
  const of = (role: FleetRole): readonly Member[] => members.filter((member) => member.role === role);
  const tookUpAt = ({ process, running }: Member): number =>
    running ? Math.max(0, ...TAKES_UP.map((text) => process?.loggedAt(text) ?? 0)) : -1;

  const start = async (member: Member): Promise<void> => {
    member.process = await member.home.start();
    member.running = true;
  };
  if (logHome !== null) home.stopWith(logHome.stopAll);
  for (const member of members) home.stopWith(member.home.stopAll);

  let turn = 0;
  const sender: Sender = async (_, method, path, options) => {
    const apis = of('api');
    for (let tries = 0; tries < apis.length; tries += 1) {
      turn += 1;
      const url = apis[turn % apis.length]?.process?.url ?? '';
      const answer = await askOnce(url, method, path, { ...options, timeoutMs: ANSWER_WITHIN_MS });
      if (answer !== 'not sent') return answer;
    }
    return null;
  };

  await logHome?.start();
  for (const member of members) await start(member);
  return {
    config: first.home.config,
    logFile: logHome === null ? null : storeFiles(logHome.config).events,
    members,
    engines: `${named === null ? "Scoria's own server of EventStoreDB's protocol" : 'the server of SCORIA_TEST_EVENTSTOREDB'} and ${mongo.what}`,
    holderOf: (role) => of(role).reduce((holder, member) => (tookUpAt(member) > tookUpAt(holder) ? member : holder)),
    start,
    sender,
    get url() {
      return of('api').find(({ running }) => running)?.process?.url ?? '';
    },
  };
}
