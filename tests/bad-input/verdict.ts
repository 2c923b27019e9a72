import type { Answer, BadRequest } from './bad-request.ts';

/** Words that tell of the inside of the server, or of a value that was not looked at before it was shown. */
const LEAKS = [
  /\bat .+:\d+:\d+/,
  /node_modules/,
  /SQLITE/i,
  /\bSELECT\b/,
  /\[object Object\]/,
  /\bundefined\b/,
  /TypeError/,
];

/** Echoing an input is no leak: its own words are taken out before the sentence is looked through. */
const MAX_ECHO = 2_000;

/** What is wrong with an answer; null where it is as it must be. */
export function faultOfAnswer(request: BadRequest, answer: Answer): string | null {
  const { status, text } = answer;
  const short = text.slice(0, 200);
  if (status >= 500) return `a fault of the server: ${status} ${short}`;
  const isRefusal = status >= 400;
  if (request.expect !== 'odd' && !isRefusal) return `was accepted: ${status} ${short}`;
  if (request.statuses !== undefined && !request.statuses.includes(status)) {
    return `${status} instead of ${request.statuses.join(' or ')}: ${short}`;
  }
  if (answer.headers['x-openstack-request-id'] === undefined) return `${status} without a request id`;
  return isRefusal ? faultOfRefusal(request, answer) : null;
}

function faultOfRefusal({ naming, body, path }: BadRequest, { status, headers, text }: Answer): string | null {
  if (text.length > MAX_ECHO) return `a fault of ${text.length} characters`;
  const type = headers['content-type'] ?? '';
  const isText = (status === 404 || status === 413) && type.startsWith('text/');
  const message = isText || status === 412 ? '' : messageOf(status, text);
  if (message === null) return `no fault body with one key, code and message: ${status} ${text.slice(0, 200)}`;
  if (naming !== undefined && !message.includes(naming)) return `does not name ${naming}: ${message.slice(0, 200)}`;
  const said = `${body?.toString() ?? ''} ${decoded(path)}`;
  const leak = LEAKS.find((pattern) => pattern.test(message) && !pattern.test(said));
  return leak === undefined ? null : `says ${leak}: ${message.slice(0, 200)}`;
}

/** The sentence of a fault; null where the body has not the form of one (contract/errors.md §3). */
function messageOf(status: number, text: string): string | null {
  try {
    const body = JSON.parse(text) as Record<string, { readonly code?: unknown; readonly message?: unknown }>;
    const [key, ...more] = Object.keys(body);
    const fault = key === undefined ? undefined : body[key];
    const isFault = more.length === 0 && fault?.code === status && typeof fault.message === 'string';
    return isFault ? (fault.message as string) : null;
  } catch {
    return null;
  }
}

function decoded(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
