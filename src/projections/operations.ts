import type { Document } from '../ports/read-store.ts';

/** Collection `operations`: one long-running thing and its timeline. */
export interface OperationDocument extends Document {
  readonly id: string;
  readonly kind: string;
  readonly projectId: string;
  readonly resourceType: string;
  readonly resourceId: string;
  readonly volumeId: string;
  readonly status: 'running' | 'undoing' | 'parked' | 'succeeded' | 'failed';
  readonly step: string | null;
  readonly reason: { readonly code: string; readonly message: string; readonly details?: unknown } | null;
  readonly requestId: string;
  readonly startedAt: number;
  readonly endedAt: number | null;
  readonly timeline: readonly {
    readonly at: number;
    readonly event: string;
    readonly step: string | null;
    readonly attempt: number | null;
    readonly reason: string | null;
  }[];
}
