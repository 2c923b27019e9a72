import type { Mutant } from './mutant.ts';
import { operationMutants } from './operations.ts';
import { storeMutants } from './stores.ts';

/** Every planted defect. */
export const mutants: readonly Mutant[] = [...operationMutants, ...storeMutants];
