import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import type { EventStore } from '../ports/event-store.ts';
import { type Credentials, createAccess, type OwnStreams } from './access.ts';
import { createActiveCalls } from './active-calls.ts';
import { handleAppend } from './append.ts';
import { handleBatchAppend } from './batch-append.ts';
import type { ServerContext } from './context.ts';
import { handleDelete, handleTombstone } from './delete.ts';
import { handleGossip, handleSupportedMethods } from './node-services.ts';
import { handleRead } from './read.ts';
import { createStreamWriter } from './stream-writer.ts';
import { writeAhead } from './write-ahead.ts';

export interface EventStoreServerOptions {
  readonly eventStore: EventStore;
  readonly logger: ServerLogger;
  /** Users; without any everybody may do everything, and only this machine may connect. */
  readonly credentials?: readonly Credentials[];
  /** PEM. */
  readonly tls?: { readonly certificate: Buffer; readonly privateKey: Buffer };
  /** What is Scoria's own in this log. */
  readonly ownStreams?: OwnStreams;
  readonly now?: () => number;
  /** Bytes of data in one append; the real server's default where absent. */
  readonly maxAppendBytes?: number;
}

export interface ServerLogger {
  error(fields: object, message: string): void;
}

export interface EventStoreServer {
  /**
   * Resolves with the port, once clients can connect; 0 takes a free one. Throws where the address is another machine's
   * to reach and credentials or TLS are missing, or where the port is taken.
   */
  listen(host: string, port: number): Promise<number>;
  /** Ends subscriptions, lets what is being written end, then closes every connection. The event store stays open. */
  close(): Promise<void>;
}

const MAX_APPEND_BYTES = 1024 * 1024;
/** One message of a client, as the real server takes it: less than the largest record of its log. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024 - 1024;
const CLOSE_WITHIN_MS = 2_000;

/** Serves EventStoreDB's protocol (streams, server features, gossip) over an event store; see docs/eventstoredb-protocol.md. */
export function createEventStoreServer(options: EventStoreServerOptions): EventStoreServer {
  const { eventStore, logger, now = Date.now } = options;
  const onFault = (error: unknown): void => logger.error({ err: error }, 'a call of the EventStoreDB protocol failed');
  const calls = createActiveCalls();
  const context: ServerContext = {
    eventStore,
    access: createAccess(options.credentials, options.ownStreams ?? null),
    writer: createStreamWriter({ eventStore, onFault, system: () => ({ userId: 'scoria', origin: null, at: now() }) }),
    now,
    maxAppendBytes: options.maxAppendBytes ?? MAX_APPEND_BYTES,
    calls,
    onFault,
  };
  const server = new Server({
    'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    interceptors: [writeAhead],
  });
  server.addService(streamsGrpc.StreamsService, {
    read: handleRead(context),
    append: handleAppend(context),
    batchAppend: handleBatchAppend(context),
    delete: handleDelete(context),
    tombstone: handleTombstone(context),
  });
  server.addService(featuresGrpc.ServerFeaturesService, { getSupportedMethods: handleSupportedMethods() });
  server.addService(gossipGrpc.GossipService, { read: handleGossip(now) });

  return {
    listen: (host, port) =>
      new Promise((resolve, reject) => {
        const { credentials, tls } = options;
        if (!isLoopback(host) && (credentials === undefined || tls === undefined)) {
          reject(
            new Error(
              `${host} is not a loopback address: EventStoreDB's protocol is served there with credentials and TLS only`,
            ),
          );
          return;
        }
        const serverCredentials =
          tls === undefined
            ? ServerCredentials.createInsecure()
            : ServerCredentials.createSsl(null, [{ cert_chain: tls.certificate, private_key: tls.privateKey }]);
        const address = host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
        server.bindAsync(address, serverCredentials, (error, bound) =>
          error === null ? resolve(bound) : reject(error),
        );
      }),
    close: async () => {
      calls.closeAll();
      await calls.settled();
      await new Promise<void>((resolve) => {
        const force = setTimeout(() => {
          server.forceShutdown();
          resolve();
        }, CLOSE_WITHIN_MS);
        server.tryShutdown(() => {
          clearTimeout(force);
          resolve();
        });
      });
    },
  };
}

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host);
