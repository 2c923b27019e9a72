import type { KeyedCommandDocument } from '../projections/keyed-commands.ts';
import type { Call } from './call.ts';
import type { Microversion } from './microversion.ts';
import type { PolicyRule } from './policy.ts';
import type { SchemaVersions } from './schema-versions.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/** What a handler is given once everything about the request was checked. */
export interface Input<Body, Query, Target> {
  readonly body: Body;
  readonly query: Query;
  readonly target: Target;
}

/**
 * One operation of the API, declared once. Both path forms, the action dispatcher, the microversion gate, validation,
 * policy, OpenAPI and the conformance table come from it.
 *
 * The order of a request (contract/errors.md §3): token, microversion, body as JSON, action key, project in the path,
 * `since`/`until`, `query` and `body`, Idempotency-Key, `target` (404), `policy` (403), `handler`.
 */
export interface Route<Body = undefined, Query = undefined, Target = undefined> {
  /** The operation's id in contract/operations.json. */
  readonly id: string;
  readonly method: Method;
  /** Without `/v3` and the project segment, parameters in braces: `/volumes/{volume_id}`. */
  readonly path: string;
  /** Key of the body by which one of several actions on the same path is chosen. */
  readonly action?: string;
  /** First and last microversion that have it; outside it is a 404. */
  readonly since?: Microversion;
  readonly until?: Microversion;
  readonly summary: string;
  /** Status of a success. */
  readonly status: 200 | 201 | 202 | 204;
  /** Rules that must all let the caller in, judged against the project of `target` (else the caller's own). */
  readonly policy: PolicyRule | readonly PolicyRule[] | null;
  /** The whole body, envelope included. */
  readonly body?: SchemaVersions<Body>;
  readonly query?: SchemaVersions<Query>;
  /** Loads what path or body name; throws the 404 of something that is not there or not the caller's to see. */
  readonly target?: (call: Call, body: Body) => Promise<Target>;
  /** The answer's body, made JSON; undefined for an empty one. */
  readonly handler: (call: Call, input: Input<Body, Query, Target>) => unknown;
  /**
   * The answer's body again, where the command was done before under the same Idempotency-Key: its target may be gone by
   * then, often by this very command. Without it the request goes on, and the command is met in the log.
   */
  readonly again?: (call: Call, done: KeyedCommandDocument) => unknown;
}

/** A route whose input types are hidden, as the dispatcher keeps it. */
export type AnyRoute = Route<unknown, unknown, unknown>;

/** Declares a route. The types of body, query and target come from their schemas and loader. */
export const route = <Body = undefined, Query = undefined, Target = undefined>(
  declaration: Route<Body, Query, Target>,
): AnyRoute => declaration as unknown as AnyRoute;

/** Rules of a route as a list. */
export function rulesOf({ policy }: AnyRoute): readonly PolicyRule[] {
  if (policy === null) return [];
  return typeof policy === 'string' ? [policy] : policy;
}

/** First segments of the paths: what a project must not be called. */
export const firstSegmentsOf = (routes: readonly AnyRoute[]): ReadonlySet<string> =>
  new Set(routes.map(({ path }) => path.split('/')[1] ?? '').filter((segment) => segment !== ''));
