import { auditLogProjection } from './audit-log.ts';
import { keyedCommandsProjection } from './keyed-commands.ts';
import { messagesProjection } from './messages.ts';
import { operationsProjection } from './operations.ts';
import { poolsProjection } from './pools.ts';
import type { Projection } from './projection.ts';
import { quotaClassesProjection, quotasProjection } from './quotas.ts';
import { servicesProjection } from './services.ts';
import { snapshotsProjection } from './snapshots.ts';
import { transfersProjection } from './transfers.ts';
import { defaultTypesProjection, volumeTypesProjection } from './volume-types.ts';
import { volumesProjection } from './volumes.ts';

/** Every read model. */
export const allProjections: readonly Projection[] = [
  volumesProjection,
  snapshotsProjection,
  transfersProjection,
  volumeTypesProjection,
  defaultTypesProjection,
  quotasProjection,
  quotaClassesProjection,
  poolsProjection,
  servicesProjection,
  operationsProjection,
  messagesProjection,
  keyedCommandsProjection,
  auditLogProjection,
];
