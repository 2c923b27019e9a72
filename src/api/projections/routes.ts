import { z } from 'zod';
import type { ReadModelStatus } from '../../projections/read-models.ts';
import { type Call, param } from '../call.ts';
import { Fault, notFound } from '../faults.ts';
import { booleanLike } from '../field-schemas.ts';
import { type AnyRoute, route } from '../route.ts';
import { always, lazy } from '../schema-versions.ts';
import { projectionDetailView, projectionView } from './views.ts';

/** Read models, beyond the original's API: how far they are, and building them anew beside the live ones. */

const statusOf = async ({ deps }: Call, name: string): Promise<ReadModelStatus> =>
  named((await deps.readModels.status()).models, name);

function named(models: readonly ReadModelStatus[], name: string): ReadModelStatus {
  const status = models.find((one) => one.name === name);
  if (status === undefined) throw notFound(`Read model ${name} could not be found.`);
  return status;
}

const rebuildFields = lazy(() =>
  z.strictObject({
    verify_only: booleanLike().optional(),
    as_of: z.iso.datetime({ offset: true }).optional(),
  }),
);

type RebuildFields = z.output<ReturnType<typeof rebuildFields>>;

const rebuildOneBody = always(() => z.strictObject({ rebuild: rebuildFields().nullable() }));

const rebuildManyBody = always(() =>
  z.strictObject({
    rebuild: rebuildFields()
      .extend({ names: z.array(z.string()).min(1).optional() })
      .nullable(),
  }),
);

/** Asks for a rebuild of these read models, of all where null; the answer is how they are then. */
async function startRebuild(
  { deps }: Call,
  asked: readonly string[] | null,
  fields: RebuildFields | null,
): Promise<object> {
  const { kept, models } = await deps.readModels.status();
  const names = [...new Set(asked ?? models.map(({ name }) => name))];
  for (const name of names) {
    if (named(models, name).rebuild !== null) throw new Fault(409, `Read model ${name} is being rebuilt already.`);
  }
  if (!kept) throw new Fault(503, 'No process keeps the read models now.');
  await deps.readModels.rebuild({
    names,
    ...(fields?.verify_only === undefined ? {} : { verifyOnly: fields.verify_only }),
    ...(fields?.as_of === undefined ? {} : { asOf: Date.parse(fields.as_of) }),
  });
  const after = (await deps.readModels.status()).models;
  return { projections: names.map((name) => projectionView(named(after, name))) };
}

export const projectionRoutes: readonly AnyRoute[] = [
  route({
    id: 'projections-list',
    method: 'GET',
    path: '/projections',
    summary: 'List read models, how far each is and what is being rebuilt',
    status: 200,
    policy: 'projections:get_all',
    handler: async ({ deps }) => ({ projections: (await deps.readModels.status()).models.map(projectionView) }),
  }),
  route({
    id: 'projections-show',
    method: 'GET',
    path: '/projections/{name}',
    summary: 'Show a read model and the documents that could not follow',
    status: 200,
    policy: 'projections:get_all',
    handler: async (call) => ({ projection: projectionDetailView(await statusOf(call, param(call, 'name'))) }),
  }),
  route({
    id: 'projections-rebuild',
    method: 'POST',
    path: '/projections/action',
    action: 'rebuild',
    summary: 'Build several read models, or all of them, anew with one reading of the log',
    status: 202,
    policy: 'projections:rebuild',
    body: rebuildManyBody,
    handler: (call, { body: { rebuild } }) => startRebuild(call, rebuild?.names ?? null, rebuild),
  }),
  route({
    id: 'projection-rebuild',
    method: 'POST',
    path: '/projections/{name}/action',
    action: 'rebuild',
    summary: 'Build a read model anew beside the live one, and switch',
    status: 202,
    policy: 'projections:rebuild',
    body: rebuildOneBody,
    handler: (call, { body: { rebuild } }) => startRebuild(call, [param(call, 'name')], rebuild),
  }),
];
