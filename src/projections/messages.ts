import type { Document } from '../ports/read-store.ts';

/** Collection `messages`: user messages made from failures (contract/sagas.md §0). */
export interface MessageDocument extends Document {
  readonly id: string;
  readonly projectId: string;
  /** `VOLUME_<resource>_<action>_<detail>`, e.g. `VOLUME_VOLUME_001_003`. */
  readonly eventId: string;
  readonly resourceType: string;
  readonly resourceUuid: string;
  readonly messageLevel: 'ERROR';
  readonly userMessage: string;
  readonly requestId: string;
  readonly createdAt: number;
  readonly guaranteedUntil: number;
}
