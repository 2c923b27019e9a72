import {
  AccessDeniedError,
  CancelledError,
  DeadlineExceededError,
  MaxAppendSizeExceededError,
  NotLeaderError,
  StreamDeletedError,
  StreamNotFoundError,
  TimeoutError,
  UnavailableError,
  UnknownError,
  WrongExpectedVersionError,
} from '@eventstore/db-client';
import { Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { completeConnectionString, createClientSessions } from '../../../src/adapters/eventstoredb/client-session.ts';
import { CallLost, type Fault, faultOf } from '../../../src/adapters/eventstoredb/faults.ts';
import type { createLogReader } from '../../../src/adapters/eventstoredb/log-reader.ts';
import { createPositions } from '../../../src/adapters/eventstoredb/positions.ts';
import { createTimeline, type LogEntry } from '../../../src/adapters/eventstoredb/recorded-events.ts';
import { StoreUnavailable } from '../../../src/ports/event-store.ts';

function serviceError(code: status, details: string, metadata: Readonly<Record<string, string>> = {}): ServiceError {
  const trailers = new Metadata();
  for (const [key, value] of Object.entries(metadata)) trailers.set(key, value);
  return Object.assign(new Error(`${code} ${status[code]}: ${details}`), { code, details, metadata: trailers });
}

const leader = { exception: 'not-leader', 'leader-endpoint-host': 'h', 'leader-endpoint-port': '1' };

/** The table of what the client gives in which situation. */
describe('what a failure of the client means', () => {
  it.each<[string, unknown, Partial<Extract<Fault, { kind: 'again' }>> | { kind: Fault['kind'] }]>([
    [
      'nobody listens, an append',
      Object.assign(new Error('14 UNAVAILABLE: No connection established. Last error: ECONNREFUSED'), {
        code: 14,
        details: 'No connection established. Last error: ECONNREFUSED',
      }),
      { kind: 'again', sent: false, newClient: false },
    ],
    [
      'nobody listens, a read',
      new UnavailableError(serviceError(status.UNAVAILABLE, 'x')),
      { kind: 'again', sent: true },
    ],
    [
      'a connection that was cut',
      serviceError(status.UNAVAILABLE, 'Connection dropped'),
      { kind: 'again', sent: true },
    ],
    [
      'a call that the other side reset',
      serviceError(status.INTERNAL, 'Received RST_STREAM'),
      { kind: 'again', sent: true },
    ],
    [
      'a server that starts or stops',
      new UnknownError(undefined, 'Could not recognize Server Is Not Ready'),
      { kind: 'again', sent: true },
    ],
    ['a server that cannot explain itself', new UnknownError(undefined, ''), { kind: 'again', sent: true }],
    ['a quorum that is lost', new DeadlineExceededError(), { kind: 'again', sent: true, newClient: false }],
    ['the same, with credentials', new TimeoutError(serviceError(status.ABORTED, '')), { kind: 'again', sent: true }],
    ['a request that the server cancelled', new CancelledError(), { kind: 'again', sent: true }],
    ['a node that does not lead', serviceError(status.NOT_FOUND, '', leader), { kind: 'again', newClient: false }],
    ['the same, converted', new NotLeaderError(serviceError(status.NOT_FOUND, '', leader)), { kind: 'again' }],
    [
      'a discovery that fails',
      new Error('Failed to discover after 10 attempts.'),
      { kind: 'again', sent: false, newClient: true },
    ],
    ['an own time limit', new CallLost('late', true), { kind: 'again', sent: true, newClient: true }],
    ['what gave up before', new StoreUnavailable('away', 'not-done'), { kind: 'again' }],
    [
      'a conflict, whatever number it has',
      new WrongExpectedVersionError(undefined, { streamName: 's', current: 99n, expected: 1n }),
      { kind: 'conflict' },
    ],
    ['a stream that is not there', new StreamNotFoundError(undefined, 's'), { kind: 'no-stream' }],
    ['a stream that is gone for ever', StreamDeletedError.fromStreamName('s'), { kind: 'deleted' }],
    [
      'a position of a read at which nothing is',
      serviceError(status.UNKNOWN, 'Unexpected ReadAllResult: InvalidPosition'),
      { kind: 'invalid-position' },
    ],
    ['the same of a subscription', serviceError(status.INVALID_ARGUMENT, 'x'), { kind: 'invalid-position' }],
    ['wrong credentials', new AccessDeniedError(), { kind: 'refused' }],
    ['an append that is too large', MaxAppendSizeExceededError.fromMaxAppendSize(1), { kind: 'refused' }],
    ['an error of our own', new TypeError('x'), { kind: 'refused' }],
    [
      'an error of the system, which has a code too',
      Object.assign(new Error('x'), { code: 'EACCES' }),
      { kind: 'refused' },
    ],
  ])('%s', (_, thrown, expected) => {
    expect(faultOf(thrown)).toMatchObject(expected);
  });
});

describe('the connection string', () => {
  it('gets what holds in a cluster, unless it says otherwise in whatever spelling', () => {
    expect(
      completeConnectionString('esdb://u:p%40@a:1,b:2/?tls=true&node_preference=follower&KeepAliveTimeout=5'),
    ).toBe(
      'esdb://u:p%40@a:1,b:2?tls=true&node_preference=follower&KeepAliveTimeout=5' +
        '&keepAliveInterval=10000&gossipTimeout=2&discoveryInterval=100&maxDiscoverAttempts=10',
    );
    expect(completeConnectionString(' esdb+discover://cluster.example ')).toMatch(
      /^esdb\+discover:\/\/cluster\.example\?nodePreference=leader&/,
    );
  });
});

describe('a connection string that cannot be used', () => {
  it.each([
    ['a port that is none', 'esdb://scoria:s3cret@h:many', /cannot be used/],
    ['an option with a value that it does not take', 'esdb://scoria:s3cret@h?tls=perhaps', /cannot be used/],
    ['a certificate that is not there', 'esdb://scoria:s3cret@h?tlsCAFile=/nowhere.pem', /File was not found/],
  ])('is named for %s, without its password', (_, connectionString, message) => {
    const open = () => createClientSessions(connectionString);
    expect(open).toThrow(message);
    expect(open).not.toThrow(/s3cret/);
  });
});

describe('times of a log whose leaders’ clocks differ', () => {
  it('never go back, in either direction', () => {
    const forwards = createTimeline('forwards');
    expect([5, 7, 6, 7, 9].map(forwards)).toEqual([5, 7, 7, 7, 9]);
    const backwards = createTimeline('backwards');
    expect([9, 7, 8, 6, 5].map(backwards)).toEqual([9, 7, 7, 6, 5]);
  });

  const SECOND = 1_000;
  const entries = (times: readonly number[]): LogEntry[] =>
    times.map((seconds, n) => ({
      stream: n % 4 === 3 ? '$stats' : 'volume-1',
      revision: BigInt(n),
      position: BigInt(n + 1) * 100n,
      createdAt: seconds * SECOND,
      event: () => {
        throw new Error('not needed');
      },
    }));
  const positionsOf = (log: readonly LogEntry[]) => {
    let read = 0;
    const reader: ReturnType<typeof createLogReader> = {
      readStream: () => {
        throw new Error('not needed');
      },
      async *readLog({ after }) {
        for (const entry of log.toReversed()) {
          if (after !== null && entry.position >= after) continue;
          read += 1;
          yield entry;
        }
      },
    };
    return { positions: createPositions(reader), read: () => read };
  };

  it('resolve to the position behind which everything is younger', async () => {
    const { positions } = positionsOf(entries([10, 20, 30, 30, 40]));
    expect(await positions.positionAt(5 * SECOND)).toBeNull();
    expect(await positions.positionAt(10 * SECOND)).toBe(100n);
    expect(await positions.positionAt(25 * SECOND)).toBe(200n);
    expect(await positions.positionAt(35 * SECOND), 'an event, not the server’s own').toBe(300n);
    expect(await positions.positionAt(99 * SECOND)).toBe(500n);
  });

  it('resolve to the place before the first younger one where a clock went back', async () => {
    const { positions } = positionsOf(entries([100, 130, 105, 110, 140]));
    expect(await positions.positionAt(120 * SECOND)).toBe(100n);
    expect(await positions.positionAt(135 * SECOND)).toBe(300n);
  });

  it('are found without reading the whole log where it was read before', async () => {
    const log = entries(Array.from({ length: 5_000 }, (_, n) => n));
    const { positions, read } = positionsOf(log);
    for (const entry of log) positions.note(entry);
    await positions.positionAt(1_000 * SECOND);
    expect(read()).toBeLessThan(800);
  });

  it('end where the log ends: the head is the last event that is not the server’s own', async () => {
    const log = entries([1, 2, 3, 4]);
    const { positions, read } = positionsOf(log);
    expect(await positions.head()).toBe(300n);
    const before = read();
    expect(await positions.head()).toBe(300n);
    expect(read() - before).toBe(1);
    expect(await positionsOf([]).positions.head()).toBeNull();
  });
});
