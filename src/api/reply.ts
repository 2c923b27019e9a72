import { randomUUID } from 'node:crypto';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authentication } from './auth.ts';
import type { FaultAnswer } from './faults.ts';
import { MICROVERSION_HEADER } from './microversion.ts';

export const JSON_TYPE = 'application/json';

export const newRequestId = (): string => `req-${randomUUID()}`;

export function tokenOf(request: FastifyRequest): string | undefined {
  const token = request.headers['x-auth-token'];
  return typeof token === 'string' ? token : undefined;
}

export const setVersionHeaders = (reply: FastifyReply, version: string): void => {
  reply.header(MICROVERSION_HEADER, version).header('Vary', MICROVERSION_HEADER);
};

/** 401 in the form that the identity middleware of the original gives it; says nothing of microversions. */
export function sendUnauthenticated(
  reply: FastifyReply,
  refused: Extract<Authentication, { kind: 'refused' }>,
): number {
  reply.code(401).header('WWW-Authenticate', refused.challenge).header('content-type', JSON_TYPE);
  reply.send(JSON.stringify({ error: { code: 401, title: 'Unauthorized', message: refused.reason } }));
  return 401;
}

export function sendFault(reply: FastifyReply, { status, body, headers }: FaultAnswer): void {
  reply.code(status).headers(headers).header('content-type', JSON_TYPE);
  reply.send(body ?? '');
}
