import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authentication } from './auth.ts';
import type { FaultAnswer } from './faults.ts';
import { MICROVERSION_HEADER } from './microversion.ts';

/** Headers of an answer while it is being made. */
export type Headers = Record<string, string>;

export const newRequestId = (): string => `req-${randomUUID()}`;

export function tokenOf(request: FastifyRequest): string | undefined {
  const token = request.headers['x-auth-token'];
  return typeof token === 'string' ? token : undefined;
}

export const setVersionHeaders = (headers: Headers, version: string): void => {
  headers[MICROVERSION_HEADER] = version;
  headers.Vary = MICROVERSION_HEADER;
};

/**
 * Sends a body that is JSON already ('' for none). Written past the framework, which would add a charset that the
 * original does not send, and which costs a fifth of a small read.
 */
export function sendJson(reply: FastifyReply, status: number, headers: Headers, body: string): void {
  headers['Content-Type'] = 'application/json';
  if (status !== 204) headers['Content-Length'] = String(Buffer.byteLength(body));
  reply.hijack();
  reply.raw.writeHead(status, headers).end(body);
}

/** 401 in the form that the identity middleware of the original gives it; says nothing of microversions. */
export function sendUnauthenticated(
  reply: FastifyReply,
  headers: Headers,
  { challenge, reason }: Extract<Authentication, { kind: 'refused' }>,
): number {
  headers['WWW-Authenticate'] = challenge;
  sendJson(reply, 401, headers, JSON.stringify({ error: { code: 401, title: 'Unauthorized', message: reason } }));
  return 401;
}

export function sendFault(reply: FastifyReply, headers: Headers, fault: FaultAnswer): void {
  sendJson(reply, fault.status, Object.assign(headers, fault.headers), fault.body ?? '');
}
