import { acceptTransfer } from './accept-transfer.ts';
import { createSnapshot } from './create-snapshot.ts';
import { createVolume } from './create-volume.ts';
import { deleteSnapshot } from './delete-snapshot.ts';
import { deleteVolume } from './delete-volume.ts';
import { extendVolume } from './extend-volume.ts';
import type { OperationDefinition } from './operation.ts';
import { revertVolume } from './revert-volume.ts';

/** Every operation this build knows. */
export const operationDefinitions: readonly OperationDefinition[] = [
  createVolume,
  deleteVolume,
  extendVolume,
  createSnapshot,
  deleteSnapshot,
  revertVolume,
  acceptTransfer,
];
