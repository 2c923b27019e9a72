import { z } from 'zod';
import type { Coordination, Heartbeat, OpenWork } from '../ports/coordination.ts';
import type { ReadModelStatus, RebuildRequest } from './read-models.ts';

/** What the writer of the read models tells other processes: by its beats, and of rebuilds that they ask for. */

/** Resource whose lease makes a process the writer. */
export const PROJECTIONS_LEASE = 'projections';
/** Feed whose checkpoint is how far every read model is; only the position counts. */
export const PROJECTIONS_FEED = 'projections';

export const writerName = (hostName: string): string => `scoria-projections@${hostName}`;

/** Names of stale documents in a beat: a beat is small, whatever went wrong. */
const STALE_TOLD = 50;

const position = z.string().transform(BigInt);

const reportSchema = z.object({
  kind: z.literal('projections'),
  /** Of the writer's lease: of two writers the one with the higher is the present one. */
  token: position,
  models: z.array(
    z.object({
      name: z.string(),
      version: z.number().nullable(),
      position: position.nullable(),
      lag: z.number(),
      stale: z.array(
        z.object({
          id: z.string(),
          collection: z.string(),
          version: z.number(),
          documentId: z.string(),
          position: z.string(),
          eventId: z.string(),
          eventType: z.string(),
          reason: z.string(),
        }),
      ),
      staleCount: z.number(),
      stopped: z.string().nullable(),
      rebuild: z.object({ names: z.array(z.string()), events: z.number(), position, target: position }).nullable(),
      lastRebuild: z
        .object({
          startedAt: z.number(),
          endedAt: z.number(),
          result: z
            .object({
              name: z.string(),
              version: z.number(),
              events: z.number(),
              outcome: z.enum(['switched', 'verified', 'built', 'stopped']),
              comparison: z
                .object({
                  counts: z.object({ live: z.number(), rebuilt: z.number() }),
                  sampled: z.number(),
                  differing: z.array(z.string()),
                })
                .nullable(),
              reason: z.string().nullable(),
            })
            .nullable(),
          failure: z.string().nullable(),
        })
        .nullable(),
    }),
  ),
});

export interface WriterBeat {
  readonly token: bigint;
  readonly models: readonly ReadModelStatus[];
  readonly heartbeat: Heartbeat;
}

/** The report of a beat; positions as texts, since JSON has no large integers. */
export function writerReport(token: bigint, models: readonly ReadModelStatus[]): Readonly<Record<string, unknown>> {
  const told = models.map((model) => ({ ...model, stale: model.stale.slice(0, STALE_TOLD) }));
  const text = JSON.stringify({ kind: 'projections', token, models: told }, (_key, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return JSON.parse(text);
}

/** The last beat of the present writer, or of the last there was; null: none ever was. */
export async function lastWriterBeat(coordination: Pick<Coordination, 'heartbeats'>): Promise<WriterBeat | null> {
  let last: WriterBeat | null = null;
  for (const heartbeat of await coordination.heartbeats()) {
    const { success, data } = reportSchema.safeParse(heartbeat.report);
    if (success && (last === null || data.token > last.token)) last = { ...data, heartbeat };
  }
  return last;
}

const requestSchema = z.object({
  names: z.array(z.string()).min(1),
  verifyOnly: z.boolean().optional(),
  asOf: z.number().optional(),
});

/** A rebuild as unfinished work, which the writer looks for. */
export const rebuildWork = (id: string, dueAt: number, request: RebuildRequest): OpenWork => ({
  kind: 'rebuild',
  id,
  dueAt,
  data: { ...request },
});

/** Null where the work says something else than this build knows. */
export function requestOf({ data }: OpenWork): RebuildRequest | null {
  const parsed = requestSchema.safeParse(data);
  if (!parsed.success) return null;
  const { names, verifyOnly, asOf } = parsed.data;
  return { names, ...(verifyOnly === undefined ? {} : { verifyOnly }), ...(asOf === undefined ? {} : { asOf }) };
}
