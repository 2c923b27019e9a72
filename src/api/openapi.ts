import { z } from 'zod';
import { MAXIMUM_MICROVERSION } from './microversion.ts';
import { type AnyRoute, rulesOf } from './route.ts';
import { schemaAt } from './schema-versions.ts';

type JsonObject = Readonly<Record<string, unknown>>;

/** Bodies and queries are described as the newest microversion of a route has them. */
const newestOf = ({ until }: AnyRoute): number => Math.min(until ?? MAXIMUM_MICROVERSION, MAXIMUM_MICROVERSION);

/** The OpenAPI 3.1 description of the routes; several actions on one path are a `oneOf` of their bodies. */
export function openApiDocument(routes: readonly AnyRoute[]): object {
  const grouped = Map.groupBy(routes, ({ path }) => path);
  const paths = [...grouped].map(([path, group]) => [`/v3/{project_id}${path}`, pathItem(path, group)] as const);
  return {
    openapi: '3.1.0',
    info: {
      title: 'Block Storage API v3',
      version: `3.${MAXIMUM_MICROVERSION}`,
      description: 'The project segment of every path may be left out.',
    },
    components: {
      securitySchemes: { token: { type: 'apiKey', in: 'header', name: 'X-Auth-Token' } },
      parameters: {
        microversion: {
          name: 'OpenStack-API-Version',
          in: 'header',
          required: false,
          schema: { type: 'string', examples: [`volume 3.${MAXIMUM_MICROVERSION}`, 'volume latest'] },
        },
      },
    },
    security: [{ token: [] }],
    paths: Object.fromEntries(paths),
  };
}

function pathItem(path: string, routes: readonly AnyRoute[]): JsonObject {
  const methods = Map.groupBy(routes, ({ method }) => method.toLowerCase());
  return {
    parameters: pathParameters(path),
    ...Object.fromEntries([...methods].map(([method, group]) => [method, operation(group)])),
  };
}

const pathParameters = (path: string): readonly JsonObject[] =>
  ['project_id', ...[...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => name)].map((name) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));

function operation(routes: readonly AnyRoute[]): JsonObject {
  const [first] = routes;
  if (first === undefined) return {};
  const single = routes.length === 1;
  const bodies = routes.map(bodySchema).filter((schema) => schema !== null);
  const content = single ? bodies[0] : { oneOf: bodies };
  return {
    operationId: single ? first.id : `${first.path.split('/')[1]}-actions`,
    tags: [first.path.split('/')[1] ?? ''],
    summary: single ? first.summary : 'Actions, chosen by the key of the body',
    description: routes.map(describe).join('\n'),
    parameters: [{ $ref: '#/components/parameters/microversion' }, ...queryParameters(first)],
    ...(bodies.length === 0 ? {} : { requestBody: { content: { 'application/json': { schema: content } } } }),
    responses: responses(routes),
  };
}

function describe(route: AnyRoute): string {
  const from = route.since === undefined ? '' : ` From 3.${route.since}.`;
  const to = route.until === undefined ? '' : ` Up to 3.${route.until}.`;
  const rules = rulesOf(route);
  const policy = rules.length === 0 ? '' : ` Policy: ${rules.join(', ')}.`;
  const action = route.action === undefined ? '' : `\`${route.action}\`: `;
  return `${action}${route.summary}.${from}${to}${policy}`;
}

function bodySchema(route: AnyRoute): JsonObject | null {
  if (route.body !== undefined) {
    const schema = schemaAt(route.body, newestOf(route));
    if (schema !== null) return { title: route.id, ...jsonSchema(schema) };
  }
  if (route.action === undefined) return null;
  return { title: route.id, type: 'object', properties: { [route.action]: {} }, required: [route.action] };
}

function queryParameters(route: AnyRoute): readonly JsonObject[] {
  const schema = route.query === undefined ? null : schemaAt(route.query, newestOf(route));
  if (schema === null) return [];
  const { properties } = jsonSchema(schema);
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.entries(properties).map(([name, described]) => ({
    name,
    in: 'query',
    required: false,
    schema: described,
  }));
}

const jsonSchema = (schema: z.ZodType): JsonObject => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return rest;
};

const FAULT = {
  description: 'A fault: one key with `code` and `message`',
  content: { 'application/json': { schema: { type: 'object' } } },
};

function responses(routes: readonly AnyRoute[]): JsonObject {
  const statuses = [...new Set(routes.map(({ status }) => status))];
  return {
    ...Object.fromEntries(statuses.map((status) => [status, { description: 'Done or accepted' }])),
    default: FAULT,
  };
}
