import { type Server, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyHttpOptions, FastifyInstance } from 'fastify';
import { answerOf, Fault } from './faults.ts';
import { newRequestId } from './reply.ts';

/** What keeps slow and many clients from holding the server. */
export interface ConnectionLimits {
  /** How long a client may take to send a request; its headers may take half of it. */
  readonly requestTimeoutMs: number;
  /** Connections at one time; what comes on top is closed at once. */
  readonly maxConnections: number;
}

export const CONNECTION_LIMITS: ConnectionLimits = { requestTimeoutMs: 30_000, maxConnections: 4_096 };

/** A socket on which nothing moves for so long is closed: a client that does not read its answer, or is gone. */
const STALLED_AFTER_MS = 120_000;
/** How often connections are looked at, at least that many times within a request's time. */
const LOOKS_PER_REQUEST = 6;

/** The server's part of the limits. */
export const serverOptions = ({ requestTimeoutMs }: ConnectionLimits) =>
  ({
    requestTimeout: requestTimeoutMs,
    connectionTimeout: STALLED_AFTER_MS,
    http: {
      requestTimeout: requestTimeoutMs,
      headersTimeout: Math.ceil(requestTimeoutMs / 2),
      connectionsCheckingInterval: Math.ceil(requestTimeoutMs / LOOKS_PER_REQUEST),
    },
    clientErrorHandler: (error, socket) => answerClientError(error, socket),
  }) satisfies FastifyHttpOptions<Server>;

/**
 * A stop waits for the requests under way, and not for their connections after it: a client may keep one for more than a
 * minute, and those that were idle before are closed anyway. Not closed with the answer: a slow client has yet to read it.
 */
export function letGoWhenStopping(app: FastifyInstance): void {
  app.addHook('preClose', async () => {
    app.server.keepAliveTimeout = 1;
  });
}

/** Answers bytes that are no HTTP request, or one that took too long, and closes the connection. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const { status, body } = answerOf(faultOf(error.code));
  const text = body ?? '';
  if (socket.writable) {
    socket.write(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nConnection: close\r\nContent-Type: application/json\r\n` +
        `Content-Length: ${Buffer.byteLength(text)}\r\nx-openstack-request-id: ${newRequestId()}\r\n\r\n${text}`,
    );
  }
  socket.destroy(error);
}

function faultOf(code: string | undefined): Fault {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Fault(408, 'The request did not come in time.');
  if (code === 'HPE_HEADER_OVERFLOW') return new Fault(431, 'The headers of the request are too large.');
  if (code === 'HPE_CHUNK_EXTENSIONS_OVERFLOW') return new Fault(413, 'The chunk extensions are too large.');
  return new Fault(400, 'This is no well-formed HTTP request.');
}
