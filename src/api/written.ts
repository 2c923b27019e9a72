import type { Caller } from './auth.ts';
import type { Call } from './call.ts';
import { createMemo } from './memo.ts';
import type { Policy } from './policy.ts';

const TEXT = Symbol('text');

/** An answer's body that is JSON text already. */
export interface Written {
  readonly [TEXT]: string;
}

export const written = (text: string): Written => ({ [TEXT]: text });

/** The JSON of an answer's content; of undefined, nothing. */
export function jsonOf(content: unknown): string {
  if (content === undefined) return '';
  if (typeof content === 'object' && content !== null && TEXT in content) return (content as Written)[TEXT];
  return JSON.stringify(content);
}

/** All of a request that may change how one document looks in its answer. */
export interface Viewpoint {
  readonly caller: Caller;
  readonly policy: Policy;
  readonly microversion: number;
  readonly projectInPath: string | undefined;
  readonly host: string | undefined;
  readonly forwardedHost: string | string[] | undefined;
  readonly forwardedProto: string | string[] | undefined;
}

export function viewpointOf({ caller, deps, microversion, params, request: { headers } }: Call): Viewpoint {
  return {
    caller,
    policy: deps.policy,
    microversion,
    projectInPath: params.project_id,
    host: headers.host,
    forwardedHost: headers['x-forwarded-host'],
    forwardedProto: headers['x-forwarded-proto'],
  };
}

/** Whether a request sees things as they were seen from there. */
export function isSeenFrom(viewpoint: Viewpoint, { caller, deps, microversion, params, request }: Call): boolean {
  const { headers } = request;
  return (
    viewpoint.caller === caller &&
    viewpoint.policy === deps.policy &&
    viewpoint.microversion === microversion &&
    viewpoint.projectInPath === params.project_id &&
    viewpoint.host === headers.host &&
    viewpoint.forwardedHost === headers['x-forwarded-host'] &&
    viewpoint.forwardedProto === headers['x-forwarded-proto']
  );
}

interface WrittenList {
  readonly items: readonly string[];
  readonly rest: string;
  readonly body: Written;
}

const lists = createMemo<readonly object[], WrittenList>();

/**
 * The body of a list whose items are written already; `rest` is what follows them (next link, count), as an object.
 * The same body again where the same documents look the same.
 */
export function writtenList(
  name: string,
  documents: readonly object[],
  items: readonly string[],
  rest: Readonly<Record<string, unknown>>,
): Written {
  const following = JSON.stringify(rest).slice(1);
  const before = lists.of(documents);
  if (before !== undefined && before.rest === following && isSame(before.items, items)) return before.body;
  const comma = following === '}' ? '' : ',';
  const body = written(`{${JSON.stringify(name)}:[${items.join(',')}]${comma}${following}`);
  lists.keep(documents, { items, rest: following, body });
  return body;
}

const isSame = (some: readonly string[], others: readonly string[]): boolean =>
  some.length === others.length && some.every((one, index) => one === others[index]);
