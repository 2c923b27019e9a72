import { describe } from 'vitest';
import { type Abilities, ALL_ABILITIES, type MakeBackend } from './storage-driver-backend.ts';
import { callsContract } from './storage-driver-calls.ts';
import { faultsContract } from './storage-driver-faults.ts';
import { abortContract, fencingContract } from './storage-driver-fencing.ts';
import { placementContract } from './storage-driver-placement.ts';

/**
 * What every storage driver is held to (the port in src/drivers/storage/driver.ts). `makeBackend` makes a fresh backend
 * for each test; `abilities` switches off what this driver cannot.
 */
export function storageDriverContract(
  name: string,
  makeBackend: MakeBackend,
  abilities: Partial<Abilities> = {},
): void {
  const able = { ...ALL_ABILITIES, ...abilities };
  describe(`storage driver contract: ${name}`, () => {
    callsContract(makeBackend, able);
    placementContract(makeBackend, able);
    if (able.fences) fencingContract(makeBackend, able);
    abortContract(makeBackend, able);
    if (able.faults) faultsContract(makeBackend, able);
  });
}
