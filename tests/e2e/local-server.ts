import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect } from 'vitest';
import { openSqliteEventStore } from '../../src/adapters/sqlite/event-store.ts';
import { systemClock } from '../../src/adapters/system/clock.ts';
import { type Config, parseConfig, storeFiles } from '../../src/config.ts';
import type { Clock } from '../../src/ports/clock.ts';
import type { EventStore, RecordedEvent } from '../../src/ports/event-store.ts';
import { startServer } from '../../src/server/server.ts';
import type { Acknowledgement } from '../crash/acknowledged.ts';
import { besideServer } from '../crash/beside-server.ts';
import { type Answer, type Ask, ask } from '../crash/client.ts';
import { createLogView, type LogView } from '../crash/log-view.ts';
import { untilAtRest, whatIsBroken } from '../crash/rest.ts';

export const UNLIMITED = { volumes: -1, snapshots: -1, gigabytes: -1 };

/** A server in this process, on a data directory of its own that outlives it. */
export interface LocalServer {
  readonly config: Config;
  readonly url: string;
  readonly log: LogView;
  start(): Promise<void>;
  stop(): Promise<void>;
  send(method: string, path: string, options?: Ask): Promise<Answer>;
  create(fields: object, options?: Ask): Promise<Answer>;
  /** Creates a volume and waits until it is available; returns its id. */
  available(fields: object): Promise<string>;
  /** Waits until no operation is open; afterwards `log` has all there is. */
  rest(): Promise<void>;
  /** Every invariant of the crash harness holds. */
  expectSound(): Promise<void>;
  eventsOf(stream: string): Promise<readonly RecordedEvent[]>;
  /** Opens the log to write to it while no server runs. */
  writeLog(write: (eventStore: EventStore) => Promise<void>): Promise<void>;
  dispose(): Promise<void>;
}

/**
 * Nothing is started yet; `tree` is a configuration file's content without data directory and port. Given the directory of
 * another one, it knows nothing of what that one has seen of the log.
 */
export function createLocalServer(
  tree: object = { quota: UNLIMITED },
  dataDir = mkdtempSync(join(tmpdir(), 'scoria-e2e-')),
  clock: Clock = systemClock,
): LocalServer {
  const config = parseConfig({ ...tree, dataDir, server: { port: 0 } });
  const log = createLogView();
  let running: Awaited<ReturnType<typeof startServer>> | null = null;

  const url = (): string => {
    if (running?.url === undefined || running.url === null) throw new Error('the server does not run');
    return running.url;
  };

  const send: LocalServer['send'] = async (method, path, options) => {
    const answer = await ask(url(), method, path, options);
    if (answer === null) throw new Error(`${method} ${path}: no answer`);
    return answer;
  };

  const create: LocalServer['create'] = (fields, options) =>
    send('POST', '/volumes', { ...options, body: { volume: { size: 1, ...fields } } });

  const rest = async (): Promise<void> => {
    await untilAtRest(config, log, { orphans: false });
  };

  const stop = async (): Promise<void> => {
    const stopping = running;
    running = null;
    await stopping?.stop();
  };

  return {
    config,
    log,
    get url() {
      return url();
    },
    start: async () => {
      running = await startServer(config, pino({ level: 'silent' }), clock);
    },
    stop,
    send,
    create,
    available: async (fields) => {
      const { status, json } = await create(fields);
      expect(status).toBe(202);
      await rest();
      const { id } = json.volume;
      expect(log.volumes.get(id)?.volume?.status).toBe('available');
      return id;
    },
    rest,
    expectSound: async () => {
      await rest();
      const acknowledged: readonly Acknowledgement[] = [];
      const world = { log, config, url: url(), kept: new Set<string>(), contents: null, acknowledged };
      const broken = await whatIsBroken(world, { thorough: true });
      expect(broken.map(({ invariant, what }) => `${invariant}: ${what}`)).toEqual([]);
    },
    eventsOf: async (stream) => {
      const events: RecordedEvent[] = [];
      await besideServer(config, async ({ eventStore }) => {
        for await (const event of eventStore.readStream(stream)) events.push(event);
      });
      return events;
    },
    writeLog: async (write) => {
      const eventStore = await openSqliteEventStore({ file: storeFiles(config).events });
      try {
        await write(eventStore);
      } finally {
        await eventStore.close();
      }
    },
    dispose: async () => {
      await stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
