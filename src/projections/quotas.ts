import { addAmounts, subtractAmounts } from '../domain/quota/amounts.ts';
import type { Amounts, QuotaEvent } from '../domain/quota/events.ts';
import type { QuotaClassesEvent } from '../domain/quota-classes/events.ts';
import type { CollectionSpec, Document, ReadStore } from '../ports/read-store.ts';
import type { Projection, Recorded } from './projection.ts';

/** Collection `quotas`: `id` is the project's. Keys are resource keys of domain/quota/events.ts. */
export interface QuotaDocument extends Document {
  readonly id: string;
  /** The project's own rows only. */
  readonly limits: Amounts;
  /** Everything charged, reserved included. */
  readonly charged: Amounts;
  /** The part of `charged` that open reserving charges hold. */
  readonly reserved: Amounts;
  /** The open charges that reserve; one that counts as in use at once needs no keeping. */
  readonly reservations: readonly { readonly operationId: string; readonly amounts: Amounts }[];
}

/** Collection `quotaClasses`: `id` is the class name. */
export interface QuotaClassDocument extends Document {
  readonly id: string;
  readonly limits: Amounts;
}

export const quotasCollection: CollectionSpec = { name: 'quotas', version: 1, indexes: [] };
export const quotaClassesCollection: CollectionSpec = { name: 'quotaClasses', version: 1, indexes: [] };

export const quotasProjection: Projection<QuotaDocument> = {
  collection: quotasCollection,
  streams: { prefixes: ['quota-'] },
  idsOf: (event: Recorded<QuotaEvent>) => [event.data.projectId],
  apply: (document: QuotaDocument | null, event: Recorded<QuotaEvent>, id: string) => {
    const quota = document ?? { id, limits: {}, charged: {}, reserved: {}, reservations: [] };
    switch (event.type) {
      case 'QuotaLimitsSet':
        return { ...quota, limits: event.data.limits };
      case 'QuotaLimitsDeleted':
        return { ...quota, limits: {} };
      case 'QuotaCharged': {
        const { operationId, amounts, reserved } = event.data;
        const charged = { ...quota, charged: addAmounts(quota.charged, amounts) };
        return reserved ? withReservations(charged, [...quota.reservations, { operationId, amounts }]) : charged;
      }
      case 'QuotaSettled':
        return withoutReservation(quota, event.data.operationId);
      case 'QuotaReturned': {
        const returned = { ...quota, charged: subtractAmounts(quota.charged, event.data.amounts) };
        return withoutReservation(returned, event.data.operationId);
      }
      case 'QuotaLedgerClosed': {
        const { limits, charged, open } = event.data;
        const reservations = open.filter(({ reserved }) => reserved);
        return withReservations(
          { ...quota, limits, charged },
          reservations.map(({ operationId, amounts }) => ({ operationId, amounts })),
        );
      }
      default:
        return document;
    }
  },
};

function withReservations(quota: QuotaDocument, reservations: QuotaDocument['reservations']): QuotaDocument {
  return {
    ...quota,
    reservations,
    reserved: reservations.reduce<Amounts>((all, { amounts }) => addAmounts(all, amounts), {}),
  };
}

function withoutReservation(quota: QuotaDocument, operationId: string): QuotaDocument {
  const left = quota.reservations.filter((reservation) => reservation.operationId !== operationId);
  return left.length === quota.reservations.length ? quota : withReservations(quota, left);
}

export const quotaClassesProjection: Projection<QuotaClassDocument> = {
  collection: quotaClassesCollection,
  streams: { prefixes: ['quotaClasses'] },
  idsOf: (event: Recorded<QuotaClassesEvent>) => [event.data.className],
  apply: (_document: QuotaClassDocument | null, event: Recorded<QuotaClassesEvent>, id: string) => ({
    id,
    limits: event.data.limits,
  }),
};

export interface QuotaQueries {
  /** Null: nothing was ever charged to the project nor a limit set for it. */
  get(projectId: string): Promise<QuotaDocument | null>;
}

export const createQuotaQueries = (readStore: ReadStore): QuotaQueries => ({
  get: async (projectId) => (await readStore.get(quotasCollection.name, projectId)) as QuotaDocument | null,
});

export interface QuotaClassQueries {
  get(className: string): Promise<QuotaClassDocument | null>;
}

export const createQuotaClassQueries = (readStore: ReadStore): QuotaClassQueries => ({
  get: async (className) => (await readStore.get(quotaClassesCollection.name, className)) as QuotaClassDocument | null,
});
