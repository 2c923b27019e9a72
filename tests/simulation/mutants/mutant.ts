import type { CommandHandler } from '../../../src/commands/handle.ts';
import type { SuspectCharge } from '../../../src/commands/lapse.ts';
import type { StorageDriver } from '../../../src/drivers/storage/driver.ts';
import type { Coordination } from '../../../src/ports/coordination.ts';
import type { EventStore } from '../../../src/ports/event-store.ts';
import type { ReadStore } from '../../../src/ports/read-store.ts';
import type { Shares } from '../../../src/sagas/many-processes.ts';
import type { OperationDefinition } from '../../../src/sagas/operation.ts';

type Lapse = (charge: SuspectCharge) => Promise<boolean>;

/** A defect planted around the real code, which the simulation must find. */
export interface Mutant {
  readonly name: string;
  readonly definitions?: (definitions: readonly OperationDefinition[]) => readonly OperationDefinition[];
  readonly eventStore?: (store: EventStore) => EventStore;
  readonly readStore?: (store: ReadStore) => ReadStore;
  readonly coordination?: (coordination: Coordination) => Coordination;
  readonly driver?: (driver: StorageDriver) => StorageDriver;
  /** Of processes side by side. */
  readonly shares?: (shares: Shares) => Pick<Shares, 'ownership'>;
  readonly lapse?: (lapse: Lapse, handler: CommandHandler) => Lapse;
}
