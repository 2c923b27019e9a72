import { readFileSync } from 'node:fs';
import { type Config, ConfigError } from '../config.ts';
import type { EventStoreServerOptions, ServerLogger } from '../eventstore-server/server.ts';
import type { EventStore } from '../ports/event-store.ts';

/** What the names of Scoria's own streams begin with (DESIGN section 3). */
export const OWN_STREAM_PREFIXES: readonly string[] = [
  'volume-',
  'volumeTypes',
  'backup-',
  'group-',
  'groupTypes',
  'qosSpecs',
  'quota-',
  'quotaClasses',
  'messages-',
  'pool-',
  'operation-',
  'service-',
  'refusals-',
];

interface ProtocolLogger extends ServerLogger {
  info(fields: object, message: string): void;
}

/**
 * Serves EventStoreDB's protocol over the log where a port is configured, else null: then nothing of it is loaded. Beside
 * the API Scoria's own streams are for reading only, since its commands take nobody else's events into account; where this
 * process does nothing else (`writable`), the commands are other processes' and write through the protocol. Throws where the configuration does not allow it (see `EventStoreServer.listen`), and ConfigError for a file that is not there.
 */
export async function serveEventStoreProtocol(
  config: Config['eventStoreServer'],
  eventStore: EventStore,
  logger: ProtocolLogger,
  { writable }: { readonly writable: boolean },
): Promise<{ readonly port: number; close(): Promise<void> } | null> {
  if (config.port === null) return null;
  const options: EventStoreServerOptions = {
    eventStore,
    logger,
    ownStreams: { prefixes: OWN_STREAM_PREFIXES, writable },
    ...credentialsOf(config),
    ...tlsOf(config),
  };
  const { createEventStoreServer } = await import('../eventstore-server/server.ts');
  const server = createEventStoreServer(options);
  const port = await server.listen(config.host, config.port);
  logger.info({ host: config.host, port }, "EventStoreDB's protocol is served");
  return { port, close: () => server.close() };
}

function credentialsOf({ users }: Config['eventStoreServer']): Pick<EventStoreServerOptions, 'credentials'> {
  if (users.length === 0) return {};
  return {
    credentials: users.map(({ name, passwordFile }, index) => {
      const [password = ''] = read(passwordFile, `eventStoreServer.users[${index}].passwordFile`)
        .toString('utf8')
        .split(/\r?\n/);
      if (password === '')
        throw new ConfigError(`eventStoreServer.users[${index}].passwordFile: ${passwordFile} holds no password`);
      return { username: name, password };
    }),
  };
}

function tlsOf({ tlsCertificateFile, tlsKeyFile }: Config['eventStoreServer']): Pick<EventStoreServerOptions, 'tls'> {
  if (tlsCertificateFile === null && tlsKeyFile === null) return {};
  if (tlsCertificateFile === null || tlsKeyFile === null) {
    throw new ConfigError('eventStoreServer: tlsCertificateFile and tlsKeyFile go together');
  }
  return {
    tls: {
      certificate: read(tlsCertificateFile, 'eventStoreServer.tlsCertificateFile'),
      privateKey: read(tlsKeyFile, 'eventStoreServer.tlsKeyFile'),
    },
  };
}

function read(file: string, key: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new ConfigError(`${key}: ${error instanceof Error ? error.message : error}`);
  }
}
