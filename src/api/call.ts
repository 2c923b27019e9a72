import { createHash, randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { CommandContext } from '../commands/handle.ts';
import { deriveId } from '../domain/kernel/ids.ts';
import { type Rejection, reject } from '../domain/kernel/rejection.ts';
import type { Position } from '../ports/event-store.ts';
import type { Caller } from './auth.ts';
import type { ApiContext } from './dependencies.ts';
import { badRequest, faultOf, forbidden } from './faults.ts';
import type { Microversion } from './microversion.ts';
import type { PolicyRule } from './policy.ts';
import type { Headers } from './reply.ts';
import type { AnyRoute } from './route.ts';

/** One authenticated request to one route. */
export interface Call {
  readonly deps: ApiContext;
  readonly route: AnyRoute;
  readonly request: FastifyRequest;
  /** `req-<uuid>`. */
  readonly requestId: string;
  readonly caller: Caller;
  readonly microversion: Microversion;
  /** Parameters of the path; `project_id` is there when the request's URL had it. */
  readonly params: Readonly<Record<string, string>>;
  /** The query as sent; of a repeated key the last value. */
  readonly query: Readonly<Record<string, string>>;
  /** Body as text, for the hash that an idempotency key is held against. */
  readonly rawBody: string;
  /** Headers of the answer; see `setHeader`. */
  readonly headers: Headers;
}

/** A parameter of the path; a route's own path names it, so it is there. */
export const param = (call: Call, name: string): string => call.params[name] ?? '';

export const setHeader = (call: Call, name: string, value: string): void => {
  call.headers[name] = value;
};

/** Whether the caller passes a rule for something of this project (by default its own). */
export const can = (call: Call, rule: PolicyRule, projectId: string = call.caller.projectId): boolean =>
  call.deps.policy.allows(rule, call.caller, projectId);

/** Throws the 403 of a rule that the caller does not pass, and leaves the audit fact of a refused write. */
export function authorize(call: Call, rule: PolicyRule, projectId: string = call.caller.projectId): void {
  if (can(call, rule, projectId)) return;
  if (call.route.method !== 'GET') {
    call.deps.onRefused?.({
      stream: `refusals-${call.caller.projectId}`,
      command: call.route.id,
      rejection: reject('Forbidden', { rule }),
      context: commandContextOf(call),
    });
  }
  throw forbidden(rule);
}

const MAX_KEY_LENGTH = 255;
/** W3C Trace Context; what is none is ignored. */
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

/**
 * Who sends a command and under which id. With an Idempotency-Key the id is the same for the same key and project,
 * and the request's hash goes along, so that the same key with another request is refused.
 */
export function commandContextOf(call: Call): CommandContext {
  const { request, caller, requestId } = call;
  const key = request.headers['idempotency-key'];
  const traceparent = request.headers.traceparent;
  const traced = typeof traceparent === 'string' && TRACEPARENT.test(traceparent) ? { traceparent } : {};
  const base = { correlationId: requestId, actor: caller.actor, origin: request.ip, ...traced };
  if (key === undefined) {
    const commandId = randomUUID();
    return { commandId, causationId: commandId, isFirst: true, ...base };
  }
  if (typeof key !== 'string' || key === '' || key.length > MAX_KEY_LENGTH) {
    throw badRequest(`Invalid Idempotency-Key: 1 to ${MAX_KEY_LENGTH} characters are allowed.`);
  }
  const commandId = deriveId(caller.projectId, key);
  return { commandId, causationId: commandId, ...base, requestHash: requestHashOf(call) };
}

function requestHashOf({ route, params, query, microversion, rawBody }: Call): string {
  const { project_id: _, ...named } = params;
  return createHash('sha256')
    .update(JSON.stringify([route.id, named, query, microversion, rawBody]))
    .digest('hex');
}

/** How long an answer waits for the read models (DESIGN section 6). */
const READ_YOUR_WRITES_MS = 2_000;

export type Verdict =
  | { readonly kind: 'accepted'; readonly position: Position | null }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/**
 * Throws the fault of a refused command; otherwise waits (bounded) until the read models have what it wrote, so that
 * the client's next read sees it, and returns the outcome.
 */
export async function settled<V extends Verdict>(call: Call, verdict: V): Promise<Extract<V, { kind: 'accepted' }>> {
  if (verdict.kind === 'rejected') throw faultOf(verdict.rejection);
  if (verdict.position !== null) await call.deps.readModels.waitFor(verdict.position, READ_YOUR_WRITES_MS);
  return verdict as Extract<V, { kind: 'accepted' }>;
}
