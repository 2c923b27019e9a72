import { EventStoreDBClient } from '@eventstore/db-client';
import streamsGrpc, { type StreamsClient } from '@eventstore/db-client/generated/streams_grpc_pb.js';
import type { BatchAppendReq, BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { CallOptions, ClientDuplexStream, Metadata } from '@grpc/grpc-js';
import { StoreUnavailable } from '../../ports/event-store.ts';
import { CallLost } from './faults.ts';

export type AppendCall = ClientDuplexStream<BatchAppendReq, BatchAppendResp>;

/** One client, until it is replaced. `ended` tells those who use it, since the client itself would leave them waiting. */
export interface ClientSession {
  readonly client: EventStoreDBClient;
  readonly ended: AbortSignal;
  /** The batch append that is open on the channel to the leader; another one once the client has moved or it broke. */
  appendCall(): Promise<AppendCall>;
}

/** The client of a store; it is replaced where it is of no more use. */
export interface ClientSessions {
  /** Throws StoreUnavailable once they are closed. */
  current(): ClientSession;
  /** Does nothing where this session is not the current one any more. */
  replace(session: ClientSession): void;
  isClosed(): boolean;
  close(): void;
}

/** What the client offers its own modules (version 6.2.1). */
interface ClientInternals {
  readonly GRPCStreamCreator: (
    service: typeof StreamsClient,
    name: string,
    create: (client: StreamsClient) => AppendCall,
    cache: WeakMap<StreamsClient, Promise<AppendCall>>,
  ) => () => Promise<AppendCall>;
  readonly callArguments: (base: { readonly requiresLeader: boolean }, options: CallOptions) => [Metadata, CallOptions];
}

/**
 * What holds in a cluster where the connection string does not say otherwise; the time limit of gossip is in seconds. A
 * client that does not find its leader soon is replaced, so it need not look for long: it would go on after that.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  nodePreference: 'leader',
  keepAliveInterval: '10000',
  keepAliveTimeout: '3000',
  gossipTimeout: '2',
  discoveryInterval: '100',
  maxDiscoverAttempts: '10',
};

/** The connection string with the settings that it does not have. */
export function completeConnectionString(connectionString: string): string {
  const [address = '', query = ''] = connectionString.trim().split('?', 2);
  const given = query.split('&').filter((pair) => pair !== '');
  const flat = (name: string): string => name.toLowerCase().replace(/[_-]/g, '');
  const named = new Set(given.map((pair) => flat(pair.split('=')[0] ?? '')));
  const added = Object.entries(SETTINGS).flatMap(([name, value]) =>
    named.has(flat(name)) ? [] : [`${name}=${value}`],
  );
  return `${address.replace(/\/+$/, '')}?${[...given, ...added].join('&')}`;
}

/** Throws where the connection string cannot be read. */
export function createClientSessions(connectionString: string): ClientSessions {
  const complete = completeConnectionString(connectionString);
  const start = () => {
    const client = connect(complete);
    const ending = new AbortController();
    const internals = client as unknown as ClientInternals;
    let lastUsed: StreamsClient | null = null;
    const session: ClientSession = {
      client,
      ended: ending.signal,
      appendCall: internals.GRPCStreamCreator(
        streamsGrpc.StreamsClient,
        'append',
        (grpc) => {
          lastUsed = grpc;
          const forEver = { deadline: Number.POSITIVE_INFINITY };
          return grpc.batchAppend(...internals.callArguments({ requiresLeader: true }, forEver));
        },
        new WeakMap(),
      ),
    };
    const end = (reason: string): void => {
      // First those who wait: a cancelled call tells them nothing.
      ending.abort(new CallLost(reason, false));
      client
        .dispose()
        .then(() => lastUsed?.close())
        .catch(() => undefined);
    };
    return { session, end };
  };

  let running = start();
  let closed = false;
  return {
    current: () => {
      if (closed) throw new StoreUnavailable('EventStoreDB: the store was closed', 'not-done');
      return running.session;
    },
    replace: (session) => {
      if (closed || session !== running.session) return;
      const old = running;
      running = start();
      old.end('the client was replaced');
    },
    isClosed: () => closed,
    close: () => {
      closed = true;
      running.end('the store was closed');
    },
  };
}

/** The client's own errors quote what they could not read, which may be a password. */
function connect(connectionString: string): EventStoreDBClient {
  try {
    return EventStoreDBClient.connectionString(connectionString);
  } catch (error) {
    const reason = error instanceof Error && error.message.startsWith('Failed to load') ? `: ${error.message}` : '';
    const shown = connectionString.replace(/:\/\/[^@]*@/, '://***@');
    throw new Error(`EventStoreDB: the connection string ${shown} cannot be used${reason}`);
  }
}
