import { Fault } from '../../src/api/faults.ts';
import type { AnyRoute } from '../../src/api/route.ts';
import { ROUTES } from '../../src/api/routes.ts';
import { schemaAt } from '../../src/api/schema-versions.ts';
import type { BadRequest } from './bad-request.ts';
import { parametersOf, pathOf } from './from-routes.ts';
import { ODD_VALUES } from './odd-values.ts';
import { ONE_PAIR, SAMPLE_BODIES, WITHOUT_GOOD_BODY } from './samples.ts';
import type { Things } from './things.ts';

type Path = readonly string[];
type Tree = Readonly<Record<string, unknown>>;

const LATEST = 71;

/** Routes that take a body and have no good one here: nothing could be made wrong of it. */
export const routesWithoutSample = (): readonly string[] =>
  ROUTES.filter(
    ({ id, body }) => body !== undefined && !WITHOUT_GOOD_BODY.has(id) && SAMPLE_BODIES[id] === undefined,
  ).map(({ id }) => id);

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** Paths of every field, envelopes included. */
function pathsOf(tree: Tree, above: Path = []): readonly Path[] {
  return Object.entries(tree).flatMap(([key, value]) => [
    [...above, key],
    ...(isTree(value) ? pathsOf(value, [...above, key]) : []),
  ]);
}

/** Whether the route's own schema takes a body; some throw the fault themselves. */
export function isTaken({ body: schemas = [] }: AnyRoute, body: unknown): boolean {
  try {
    return schemaAt(schemas, LATEST)?.safeParse(body).success !== false;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
}

/** A copy in which `change` made something else of the object that holds the last field of the path. */
function changedAt(tree: Tree, [key = '', ...rest]: Path, change: (holder: Tree, key: string) => Tree): Tree {
  if (rest.length === 0) return change(tree, key);
  const below = tree[key];
  return { ...tree, [key]: isTree(below) ? changedAt(below, rest, change) : below };
}

/**
 * Each field of a good body made wrong in every way there is: another type, too much, missing, with an unknown one beside.
 * What the route's own schema takes may be accepted; what it refuses must be refused by name.
 */
export function fromBodies(things: Things): readonly BadRequest[] {
  return ROUTES.flatMap((route, index) => {
    const sample = SAMPLE_BODIES[route.id]?.(things);
    return sample === undefined ? [] : ofSample(route, sample, things, index);
  });
}

function ofSample(route: AnyRoute, sample: Tree, things: Things, index: number): readonly BadRequest[] {
  const request = (what: string, body: unknown, naming: string): BadRequest => {
    const refused = !isTaken(route, body);
    const form = (what.length + index) % 2 === 0 ? '/v3/demo' : '/v3';
    const common = {
      what: `${route.id}: ${what}`,
      method: route.method,
      path: form + pathOf(route, parametersOf(things)),
      body: JSON.stringify(body),
    };
    return refused ? { ...common, expect: 'malformed', statuses: [400], naming } : { ...common, expect: 'odd' };
  };
  return pathsOf(sample).flatMap((path) => {
    const name = path.at(-1) ?? '';
    const shown = path.join('.');
    // without its key an action is another one, or none
    const isAction = route.action !== undefined && path.length === 1;
    const isUnnamed = isAction || ONE_PAIR.has(route.id);
    return [
      ...ODD_VALUES.map((value) => {
        const body = changedAt(sample, path, (holder, key) => ({ ...holder, [key]: value }));
        return request(`${shown} is ${shownValue(value)}`, body, hasContent(value) ? '' : name);
      }),
      request(
        `no ${shown}`,
        changedAt(sample, path, (holder, key) =>
          Object.fromEntries(Object.entries(holder).filter(([one]) => one !== key)),
        ),
        isUnnamed ? '' : name,
      ),
      request(
        `something beside ${shown}`,
        changedAt(sample, path, (holder) => ({ ...holder, surprise: 'x' })),
        isUnnamed ? '' : 'surprise',
      ),
    ];
  });
}

/** What is wrong may be within: then that is what is named. */
const hasContent = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && Object.keys(value).length > 0;

const shownValue = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}... (${text.length} characters)` : text;
};
