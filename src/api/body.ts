import { isUtf8 } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
import { badRequest, Fault } from './faults.ts';

/** Largest body in bytes (contract/errors.md §3, `max_request_body_size`). */
export const MAX_BODY_BYTES = 114_688;

const MALFORMED = 'Malformed request body';
const JSON_TYPES: ReadonlySet<string> = new Set(['application/json', 'application/vnd.openstack.volume+json']);

/**
 * The body's text; '' where there is none, or where no Content-Type says what it is (then it counts as empty). Throws the
 * 400 of bytes that are no UTF-8: what would be put in their place is not what the client sent.
 */
export function bodyText(request: FastifyRequest): string {
  const { body } = request;
  if (!Buffer.isBuffer(body) || body.length === 0) return '';
  const contentType = request.headers['content-type'];
  if (contentType === undefined || contentType === '') return '';
  const type = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
  if (!JSON_TYPES.has(type)) throw new Fault(415, 'Unsupported Content-Type');
  if (!isUtf8(body)) throw badRequest(MALFORMED);
  return body.toString();
}

/** Deeper than anything the API takes; what is much deeper overflows the stack of whoever walks through it. */
const MAX_DEPTH = 64;
/** A key that would become the prototype of whatever it is copied into, plain or escaped. */
const PROTOTYPE_KEY =
  /"(?:_|\\u005[fF]){2}(?:p|\\u0070)(?:r|\\u0072)(?:o|\\u006[fF])(?:t|\\u0074)(?:o|\\u006[fF])(?:_|\\u005[fF]){2}"\s*:/;

/** The body as JSON; undefined when it is empty. Throws the 400 of text that is no JSON, or none that is safe. */
export function parseJson(text: string): unknown {
  if (text === '') return undefined;
  if (depthOf(text) > MAX_DEPTH) throw badRequest(`${MALFORMED}: nested deeper than ${MAX_DEPTH} levels`);
  if (PROTOTYPE_KEY.test(text)) throw badRequest(`${MALFORMED}: '__proto__' cannot be a key`);
  try {
    return JSON.parse(text);
  } catch {
    throw badRequest(MALFORMED);
  }
}

/** How deep a JSON text is nested; brackets within its strings do not count. */
function depthOf(text: string): number {
  // too short to hold as many pairs of brackets
  if (text.length <= 2 * MAX_DEPTH) return 0;
  let depth = 0;
  let deepest = 0;
  let isString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) isString = !isString;
    else if (code === BACKSLASH) at += 1;
    else if (isString) continue;
    else if (code === OPEN_BRACE || code === OPEN_BRACKET) {
      depth += 1;
      if (depth > deepest) deepest = depth;
    } else if (code === CLOSE_BRACE || code === CLOSE_BRACKET) depth -= 1;
  }
  return deepest;
}

const [QUOTE, BACKSLASH, OPEN_BRACE, CLOSE_BRACE, OPEN_BRACKET, CLOSE_BRACKET] = [34, 92, 123, 125, 91, 93];

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
