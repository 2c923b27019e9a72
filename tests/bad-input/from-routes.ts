import type { AnyRoute } from '../../src/api/route.ts';
import { ROUTES } from '../../src/api/routes.ts';
import { schemaAt } from '../../src/api/schema-versions.ts';
import { type BadRequest, headersWith } from './bad-request.ts';
import { BAD_TOKENS, BAD_VERSIONS, BROKEN_BODIES, INHERITED, ODD_IDS, ODD_QUERIES } from './odd-values.ts';
import { SAMPLE_BODIES } from './samples.ts';
import type { Things } from './things.ts';

/** Parameters of paths that may be any text: what is not there is made, or is shown empty. */
const FREE_PARAMETERS: ReadonlySet<string> = new Set(['target_project_id', 'quota_class_name', 'key']);

const FORMS = ['/v3/demo', '/v3'] as const;

/** What stands in a path where nothing is wrong with it. */
export function parametersOf(things: Things): Readonly<Record<string, string>> {
  return {
    volume_id: things.volumeId,
    snapshot_id: things.snapshotId,
    transfer_id: things.transferId,
    volume_type_id: things.typeId,
    message_id: things.messageId,
    operation_id: things.operationId,
    key: 'key',
    target_project_id: 'demo',
    quota_class_name: 'default',
    hostname: 'scoria@file',
    host_name: 'scoria@file',
    alias: 'os-quota-sets',
    name: 'volumes',
  };
}

/** A route's path with these parameters, raw. Throws where one is not known. */
export function pathOf({ path }: AnyRoute, parameters: Readonly<Record<string, string>>): string {
  return path.replaceAll(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name];
    if (value === undefined) throw new Error(`no value for {${name}} of ${path}: add one to parametersOf`);
    return value;
  });
}

const parameterNames = ({ path }: AnyRoute): readonly string[] =>
  [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name);

/** A request to the route that nothing is wrong with. */
function good(route: AnyRoute, things: Things): Pick<BadRequest, 'method' | 'body'> & { readonly path: string } {
  const { id, method, action } = route;
  const sample = SAMPLE_BODIES[id]?.(things) ?? (action === undefined ? undefined : { [action]: null });
  const path = pathOf(route, parametersOf(things));
  return { method, path, ...(sample === undefined ? {} : { body: JSON.stringify(sample) }) };
}

/** Everything that is wrong before anybody looks at what is asked: both forms of every path. */
export function fromRoutes(things: Things): readonly BadRequest[] {
  return ROUTES.flatMap((route, index) => [
    ...withoutRights(route, things, index),
    ...ofBadVersions(route, things, index),
    ...withBrokenBodies(route, things, index),
    ...onOddIds(route, things),
    ...withOddQueries(route, things),
  ]);
}

function withoutRights(route: AnyRoute, things: Things, index: number): readonly BadRequest[] {
  const { method, path, body } = good(route, things);
  const common = { method, expect: 'malformed', ...(body === undefined ? {} : { body }) } as const;
  const token = BAD_TOKENS[index % BAD_TOKENS.length] ?? '';
  return [
    ...FORMS.flatMap((form): BadRequest[] => [
      {
        ...common,
        what: `${route.id}: no token`,
        path: form + path,
        headers: headersWith({ 'X-Auth-Token': null }),
        statuses: [401],
      },
      {
        ...common,
        what: `${route.id}: token ${JSON.stringify(token.slice(0, 30))}`,
        path: form + path,
        headers: headersWith({ 'X-Auth-Token': token }),
        statuses: [401],
      },
    ]),
    { ...common, what: `${route.id}: another project's path`, path: `/v3/other${path}`, statuses: [400] },
  ];
}

function ofBadVersions(route: AnyRoute, things: Things, index: number): readonly BadRequest[] {
  const { method, path, body } = good(route, things);
  const common = { method, expect: 'malformed', ...(body === undefined ? {} : { body }) } as const;
  const at = (version: string, status: number, form: string): BadRequest => ({
    ...common,
    what: `${route.id}: version ${version.slice(0, 30)}`,
    path: form + path,
    headers: headersWith({ 'OpenStack-API-Version': version }),
    statuses: [status],
  });
  const some = FORMS.map((form, which) => {
    const [version, status] = BAD_VERSIONS[(2 * index + which) % BAD_VERSIONS.length] ?? ['volume', 400];
    return at(version, status, form);
  });
  const before =
    route.since === undefined ? [] : FORMS.map((form) => at(`volume 3.${(route.since ?? 1) - 1}`, 404, form));
  return [...some, ...before];
}

/** Bodies that are no JSON are refused by every write, whether it takes a body or not. */
function withBrokenBodies(route: AnyRoute, things: Things, index: number): readonly BadRequest[] {
  if (route.method === 'GET') return [];
  const { method, path, body } = good(route, things);
  const form = FORMS[index % 2] ?? '/v3';
  const common = { method, path: form + path, expect: 'malformed' } as const;
  const takesBody = body !== undefined;
  const required = takesBody && schemaAt(route.body ?? [], 71)?.safeParse({}).success !== true;
  return [
    ...BROKEN_BODIES.map(
      ([what, broken]): BadRequest => ({ ...common, what: `${route.id}: ${what}`, body: broken, statuses: [400] }),
    ),
    {
      ...common,
      what: `${route.id}: 115,000 bytes`,
      body: `{"a": "${'x'.repeat(115_000)}"}`,
      statuses: [413],
    },
    ...['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'json', '\ttext/json'].map(
      (type): BadRequest => ({
        ...common,
        what: `${route.id}: Content-Type ${type}`,
        body: body ?? '{}',
        headers: headersWith({ 'Content-Type': type }),
        statuses: [415],
      }),
    ),
    ...(required
      ? [
          { ...common, what: `${route.id}: no body`, body: '', statuses: [400] },
          { ...common, what: `${route.id}: null`, body: 'null', statuses: [400] },
          { ...common, what: `${route.id}: a list`, body: '[]', statuses: [400] },
          { ...common, what: `${route.id}: a text`, body: '"text"', statuses: [400] },
          {
            ...common,
            what: `${route.id}: a body without Content-Type`,
            body,
            headers: headersWith({ 'Content-Type': null }),
            statuses: [400],
          },
        ]
      : []),
    {
      ...common,
      what: `${route.id}: an Idempotency-Key of 256 characters`,
      headers: headersWith({ 'Idempotency-Key': 'k'.repeat(256) }),
      ...(takesBody ? { body } : {}),
      statuses: [400],
    },
  ];
}

/** Of several parameters one at a time is odd. */
function onOddIds(route: AnyRoute, things: Things): readonly BadRequest[] {
  const { method, body } = good(route, things);
  const parameters = parametersOf(things);
  return parameterNames(route).flatMap((name) => {
    const free = FREE_PARAMETERS.has(name);
    // a project called `..` cannot be asked for by clients that make paths tidy: it is not made either
    const ids = [...ODD_IDS, ...INHERITED].filter((id) => !free || !/^\.+$/.test(id));
    return ids.map((id, index): BadRequest => {
      const path = pathOf(route, { ...parameters, [name]: id });
      return {
        what: `${route.id}: ${name} is ${id.slice(0, 40)}`,
        method,
        path: (FORMS[index % 2] ?? '/v3') + path,
        expect: free ? 'odd' : 'refused',
        ...(body === undefined ? {} : { body }),
      };
    });
  });
}

function withOddQueries(route: AnyRoute, things: Things): readonly BadRequest[] {
  if (route.method !== 'GET') return [];
  const { method, path } = good(route, things);
  return ODD_QUERIES.map((query, index) => ({
    what: `${route.id}: ?${query.slice(0, 40)}`,
    method,
    path: `${FORMS[index % 2]}${path}?${query}`,
    headers: headersWith({
      ...(index % 3 === 0 ? { 'X-Auth-Token': 'ann:demo:member' } : {}),
      ...(index % 4 === 0 ? { 'OpenStack-API-Version': null } : {}),
    }),
    expect: 'odd',
  }));
}
