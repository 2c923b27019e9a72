import { z } from 'zod';
import type { RebuildOptions } from '../../projections/rebuild.ts';
import { type Call, param } from '../call.ts';
import { Fault, notFound } from '../faults.ts';
import { booleanLike } from '../field-schemas.ts';
import { type AnyRoute, route } from '../route.ts';
import { always, lazy } from '../schema-versions.ts';
import { projectionDetailView, projectionView } from './views.ts';

/** Read models, beyond the original's API: how far they are, and building them anew beside the live ones. */

const runnerOf = ({ deps }: Call) => {
  if (deps.projectionRunner === null) throw new Fault(503, 'The read models are kept by another process.');
  return deps.projectionRunner;
};

function statusOf(call: Call, name: string) {
  const status = runnerOf(call)
    .status()
    .find((one) => one.name === name);
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

function startRebuild(call: Call, names: readonly string[], fields: RebuildFields | null): object {
  for (const name of names) {
    if (statusOf(call, name).rebuild !== null) throw new Fault(409, `Read model ${name} is being rebuilt already.`);
  }
  const options: RebuildOptions = {
    ...(fields?.verify_only === undefined ? {} : { verifyOnly: fields.verify_only }),
    ...(fields?.as_of === undefined ? {} : { asOf: Date.parse(fields.as_of) }),
  };
  call.deps.rebuilds.start(runnerOf(call), names, options);
  return { projections: names.map((name) => projectionView(statusOf(call, name), call.deps.rebuilds.lastOf(name))) };
}

export const projectionRoutes: readonly AnyRoute[] = [
  route({
    id: 'projections-list',
    method: 'GET',
    path: '/projections',
    summary: 'List read models, how far each is and what is being rebuilt',
    status: 200,
    policy: 'projections:get_all',
    handler: (call) => ({
      projections: runnerOf(call)
        .status()
        .map((status) => projectionView(status, call.deps.rebuilds.lastOf(status.name))),
    }),
  }),
  route({
    id: 'projections-show',
    method: 'GET',
    path: '/projections/{name}',
    summary: 'Show a read model and the documents that could not follow',
    status: 200,
    policy: 'projections:get_all',
    handler: (call) => {
      const name = param(call, 'name');
      return { projection: projectionDetailView(statusOf(call, name), call.deps.rebuilds.lastOf(name)) };
    },
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
    handler: (call, { body: { rebuild } }) => {
      const names =
        rebuild?.names ??
        runnerOf(call)
          .status()
          .map(({ name }) => name);
      return startRebuild(call, [...new Set(names)], rebuild);
    },
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
