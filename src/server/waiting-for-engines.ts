import { createServer, type ServerResponse } from 'node:http';
import { answerOf, Fault } from '../api/faults.ts';
import { newRequestId } from '../api/reply.ts';
import type { Config } from '../config.ts';
import type { Clock } from '../ports/clock.ts';
import { StoreUnavailable } from '../ports/event-store.ts';
import { type EngineFailure, type EngineName, EnginesAway, failureOf, wordsOf } from './engine-reasons.ts';

/** What an attempt to start works with. */
export interface Attempt {
  /** Engines that have yet to answer: kept by who opens them. */
  readonly awaited: Set<EngineName>;
  /** To be called right before the server listens itself: until then its port says what is waited for. */
  freePort(): Promise<void>;
}

interface WaitingOptions {
  readonly config: Pick<Config, 'server' | 'eventStore' | 'readStore'>;
  readonly clock: Clock;
  readonly logger: {
    info(fields: object, message: string): void;
    warn(fields: object, message: string): void;
    error(fields: object, message: string): void;
  };
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 5_000;
/** Engines that are there have answered by then; nobody is told that they are waited for. */
const OPENS_AFTER_MS = 500;
const RETRY_AFTER_SECONDS = '2';

/**
 * Starts a server whose engines may be away: tries again for ever, with growing waits, and serves meanwhile that it lives,
 * and what it waits for. An engine that refuses (wrong credentials) may be set right, so that is waited for too, but as an
 * error. A change of what is missing is logged once. Anything that is not an engine's fault is thrown at once.
 */
export async function startWhenEnginesAnswer<S>(
  options: WaitingOptions,
  start: (attempt: Attempt) => Promise<S>,
): Promise<S> {
  const { config, clock, logger } = options;
  if (config.eventStore === 'sqlite' && config.readStore === 'sqlite') {
    return start({ awaited: new Set(), freePort: async () => undefined });
  }
  const awaited = new Set<EngineName>();
  let failures: readonly EngineFailure[] = [];
  const missing = (): readonly string[] => {
    const failed = new Set(failures.map(({ engine }) => engine));
    const silent = [...awaited].filter((name) => !failed.has(name)).map((name) => `${name}: has not answered yet`);
    const all = [...failures.map(wordsOf), ...silent];
    return all.length > 0 ? all : ['the start is under way'];
  };
  const sign = createSign(config.server, missing);
  const soon = new AbortController();
  const opening = clock.sleep(OPENS_AFTER_MS, soon.signal).then(
    () => sign.open(),
    () => undefined,
  );
  // a port that is taken is found again, and thrown, when the server listens itself
  opening.catch(() => undefined);
  const freePort = async (): Promise<void> => {
    soon.abort();
    await opening;
    await sign.close();
  };

  let logged = '';
  for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS)) {
    try {
      const started = await start({ awaited, freePort });
      await freePort();
      if (logged !== '') logger.info({}, 'engines answer: started');
      return started;
    } catch (error) {
      const found = failuresOf(error);
      if (found === null) {
        await freePort().catch(() => undefined);
        throw error;
      }
      failures = found;
      const kind = failures.map(({ engine, passing }) => `${engine} ${passing}`).join();
      if (kind !== logged) {
        logged = kind;
        const level = failures.every(({ passing }) => passing) ? 'warn' : 'error';
        logger[level]({ missing: failures.map(wordsOf) }, 'engines cannot be used: waiting for them');
      }
      await sign.open();
      await clock.sleep(waitMs * (0.5 + Math.random() / 2));
    }
  }
}

/** Null for what is no engine's fault. One that goes away again after it was opened says so by its adapter's message. */
function failuresOf(error: unknown): readonly EngineFailure[] | null {
  if (error instanceof EnginesAway) return error.failures;
  if (!(error instanceof StoreUnavailable)) return null;
  if (error.message.startsWith('EventStoreDB: ')) return [failureOf('event store', error)];
  return error.message.startsWith('MongoDB: ') ? [failureOf('read store', error)] : null;
}

/** What is on the port meanwhile. */
function createSign({ host, port }: Config['server'], missing: () => readonly string[]) {
  const send = (response: ServerResponse, status: number, type: string, body: string): void => {
    const headers = status === 503 ? { 'Retry-After': RETRY_AFTER_SECONDS } : {};
    response.writeHead(status, { ...headers, 'Content-Type': type, Connection: 'close' }).end(body);
  };
  const server = createServer((request, response) => {
    request.resume();
    const path = request.url?.split('?', 1)[0];
    if (path === '/healthz' || path === '/healthcheck') return send(response, 200, 'text/plain', 'OK');
    if (path === '/readyz') {
      return send(response, 503, 'application/json', JSON.stringify({ ready: false, missing: missing() }));
    }
    response.setHeader('x-openstack-request-id', newRequestId());
    const { body } = answerOf(new Fault(503, 'The service is unavailable now; try again.'));
    send(response, 503, 'application/json', body ?? '');
  });
  return {
    /** Does nothing where it is open, or where no port is configured. */
    open: async (): Promise<void> => {
      if (port === null || server.listening) return;
      await new Promise<void>((listening, failed) => {
        server.once('error', failed);
        server.listen(port, host, () => {
          server.off('error', failed);
          listening();
        });
      });
    },
    close: async (): Promise<void> => {
      if (!server.listening) return;
      await new Promise<void>((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      });
    },
  };
}
