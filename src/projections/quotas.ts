import type { Document } from '../ports/read-store.ts';

/** Collection `quotas`: `id` is the project's. Keys are resource keys of domain/quota/events.ts. */
export interface QuotaDocument extends Document {
  readonly id: string;
  /** The project's own rows only. */
  readonly limits: Readonly<Record<string, number>>;
  /** Everything charged, reserved included. */
  readonly charged: Readonly<Record<string, number>>;
  /** The part of `charged` that open reserving charges hold. */
  readonly reserved: Readonly<Record<string, number>>;
  readonly open: readonly { readonly operationId: string; readonly amounts: Readonly<Record<string, number>>; readonly reserved: boolean }[];
}

/** Collection `quotaClasses`: `id` is the class name. */
export interface QuotaClassDocument extends Document {
  readonly id: string;
  readonly limits: Readonly<Record<string, number>>;
}
