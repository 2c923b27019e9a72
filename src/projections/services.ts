import type { Document } from '../ports/read-store.ts';

/** Collection `services`: `id` is `binary@host`. Up or down is judged from the heartbeat in Coordination. */
export interface ServiceDocument extends Document {
  readonly id: string;
  readonly binary: string;
  readonly host: string;
  readonly serviceUuid: string;
  readonly availabilityZone: string;
  readonly enabled: boolean;
  readonly disabledReason: string | null;
  readonly frozen: boolean;
  readonly createdAt: number;
  readonly updatedAt: number | null;
}
