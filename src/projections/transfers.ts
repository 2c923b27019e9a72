import type { Document } from '../ports/read-store.ts';

/** Collection `transfers`: open transfers. Salt and hash of the key stay in the volume's stream. */
export interface TransferDocument extends Document {
  readonly id: string;
  readonly volumeId: string;
  readonly name: string | null;
  /** The donor's. */
  readonly projectId: string;
  readonly noSnapshots: boolean;
  readonly createdAt: number;
}
