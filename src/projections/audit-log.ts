import type { Document } from '../ports/read-store.ts';

/** Collection `auditLog`: who did what, when, from where, and why it was refused or failed. `id` is the event's id. */
export interface AuditDocument extends Document {
  readonly id: string;
  /** Zero-padded, so that text order is log order. */
  readonly position: string;
  readonly at: number;
  readonly type: string;
  readonly stream: string;
  readonly projectId: string;
  readonly userId: string;
  readonly actorKind: string;
  readonly requestId: string;
  readonly commandId: string;
  readonly causationId: string;
  readonly origin: string | null;
  readonly outcome: 'done' | 'refused' | 'failed';
  readonly reason: string | null;
  readonly data: unknown;
}
