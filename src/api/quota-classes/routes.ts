import { type Call, commandContextOf, param, settled } from '../call.ts';
import { refuseUnfitName } from '../path-names.ts';
import { defaultLimits, limitsByName, quotaNames } from '../quota-sets/resources.ts';
import { refuseUnknownNames } from '../quota-sets/schemas.ts';
import { type AnyRoute, route } from '../route.ts';
import { quotaClassBody } from './schemas.ts';

const PATH = '/os-quota-class-sets/{quota_class_name}';

/** A class's own rows before the defaults; a name that was never set shows the defaults (contract/quota.md §2). */
async function classLimits(call: Call, className: string): Promise<Record<string, number>> {
  const own = await call.deps.queries.quotaClasses.get(className);
  return limitsByName(await quotaNames(call), own?.limits ?? {}, await defaultLimits(call));
}

export const quotaClassRoutes: readonly AnyRoute[] = [
  route({
    id: 'quota-class-show',
    method: 'GET',
    path: PATH,
    summary: 'Show the limits of a quota class',
    status: 200,
    policy: 'volume_extension:quota_classes:get',
    handler: async (call) => {
      const className = param(call, 'quota_class_name');
      return { quota_class_set: { ...(await classLimits(call, className)), id: className } };
    },
  }),
  route({
    id: 'quota-class-update',
    method: 'PUT',
    path: PATH,
    summary: 'Set limits of a quota class; those of the class `default` are the defaults of every project',
    status: 200,
    policy: 'volume_extension:quota_classes:update',
    body: quotaClassBody,
    // a bad key is a 400 for everybody: bodies are checked before rights (contract/errors.md §3)
    target: async (call, { quota_class_set: set }) => {
      const { keys } = await quotaNames(call);
      refuseUnknownNames(Object.keys(set), keys, 'quota class set');
      return Object.fromEntries(Object.entries(set).map(([name, limit]) => [keys.get(name) ?? name, limit]));
    },
    handler: async (call, { target: limits }) => {
      const className = param(call, 'quota_class_name');
      refuseUnfitName('quota_class_name', className);
      await settled(
        call,
        await call.deps.commands.quotas.setClassLimits({ className, limits }, commandContextOf(call)),
      );
      return { quota_class_set: await classLimits(call, className) };
    },
  }),
];
