import type { FastifyRequest } from 'fastify';
import { badRequest, Fault } from './faults.ts';

/** Largest body in bytes (contract/errors.md §3, `max_request_body_size`). */
export const MAX_BODY_BYTES = 114_688;

const MALFORMED = 'Malformed request body';
const JSON_TYPES: ReadonlySet<string> = new Set(['application/json', 'application/vnd.openstack.volume+json']);

/** The body's text; '' where there is none, or where no Content-Type says what it is (then it counts as empty). */
export function bodyText(request: FastifyRequest): string {
  const { body } = request;
  if (typeof body !== 'string' || body === '') return '';
  const contentType = request.headers['content-type'];
  if (contentType === undefined || contentType === '') return '';
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!JSON_TYPES.has(type)) throw new Fault(415, 'Unsupported Content-Type');
  return body;
}

/** The body as JSON; undefined when it is empty. Throws the 400 of text that is no JSON. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(MALFORMED);
  }
}

/** The one key of an action's body; throws the 400 of a body that has not exactly one. */
export function actionKeyOf(body: unknown): string {
  if (body === undefined) throw noSuchAction('None');
  if (typeof body !== 'object' || body === null || Array.isArray(body)) throw badRequest(MALFORMED);
  const [key, ...more] = Object.keys(body);
  if (key === undefined || more.length > 0) throw badRequest(MALFORMED);
  return key;
}

export const noSuchAction = (name: string): Fault =>
  badRequest(`There is no such action: ${name}. Verify the request body and Content-Type header and try again.`);
