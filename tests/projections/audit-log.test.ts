import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AuditDocument, auditIdOf, auditLogProjection } from '../../src/projections/audit-log.ts';
import { offered } from '../domain/volume/volumes.ts';
import { givenRecorded, recorded } from './recorded.ts';

const auditOf = (...events: readonly ReturnType<typeof recorded>[]) =>
  [...givenRecorded(auditLogProjection, events).documents.values()] as unknown as readonly AuditDocument[];

describe('the audit log', () => {
  it('says who did what, when and from where', () => {
    const event = recorded({ type: 'VolumeReserved', data: { volumeId: 'v1' } }, 42, { origin: '192.0.2.7' });
    expect(auditOf(event)).toEqual([
      {
        id: '00000000000000000042',
        eventId: event.id,
        at: 42,
        type: 'VolumeReserved',
        stream: 'volume-v1',
        projectId: 'demo',
        userId: 'alice',
        actorKind: 'user',
        requestId: 'req-1',
        commandId: event.metadata.commandId,
        causationId: 'req-1',
        origin: '192.0.2.7',
        outcome: 'done',
        reason: null,
        data: { volumeId: 'v1' },
      },
    ]);
  });

  it('takes the events of every stream', () => {
    expect(auditLogProjection.streams.prefixes).toEqual(['']);
  });

  it('says why something was refused, or failed', () => {
    const refused = {
      projectId: 'demo',
      command: 'DeleteVolume',
      stream: 'volume-v1',
      code: 'InvalidVolume',
      message: 'it is in use',
    };
    const reason = { code: 'BackendFailed', message: 'the disk is gone' };
    const [first, second, third] = auditOf(
      recorded({ type: 'CommandRefused', data: refused }, 1, { stream: 'refusals-demo-2026-01-01' }),
      recorded(
        { type: 'VolumeRevertFailed', data: { volumeId: 'v1', operationId: 'op', snapshotId: 's1', reason } },
        2,
      ),
      recorded({ type: 'OperationParked', data: { operationId: 'op', reason } }, 3, { stream: 'operation-op' }),
    );
    expect(first).toMatchObject({ outcome: 'refused', reason: 'it is in use' });
    expect(second).toMatchObject({ outcome: 'failed', reason: 'the disk is gone' });
    expect(third).toMatchObject({ outcome: 'failed', reason: 'the disk is gone' });
  });

  it('never holds a secret, however deep it lies', () => {
    const { data } = offered();
    const input = { steps: [{ request: data }] };
    const [plain, nested] = auditOf(
      recorded(offered(), 1),
      recorded({ type: 'StepStarted', data: { operationId: 'op', step: 's', attempt: 1, input } }, 2),
    );
    const { salt: _, authKeyHash: __, ...rest } = data as Record<string, unknown>;
    expect(plain?.data).toEqual(rest);
    expect(nested?.data).toMatchObject({ input: { steps: [{ request: rest }] } });
    expect(JSON.stringify([plain, nested])).not.toMatch(/salt|authKeyHash/);
  });

  describe('as text', () => {
    const textOf = (event: ReturnType<typeof recorded>, dataText: string | undefined) => {
      const read = { ...event, ...(dataText === undefined ? {} : { dataText }) };
      const [id = ''] = auditLogProjection.idsOf(read);
      const document = auditLogProjection.apply(null, read, id);
      if (document === null) throw new Error('every event makes a record');
      return { document, text: auditLogProjection.textOf?.(document, read) };
    };

    it('says the same as the record, whatever is in it', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), fc.jsonValue(), fc.webUrl(), (name, value, origin) => {
          const event = recorded({ type: 'VolumeUpdated', data: { volumeId: 'v1', name, value } }, 7, { origin });
          const { document, text } = textOf(event, JSON.stringify(event.data));
          expect(text).toBe(JSON.stringify(document));
        }),
      );
    });

    it('is not made of a text that holds a secret, nor where there is none', () => {
      const event = recorded(offered(), 1);
      const { document, text } = textOf(event, JSON.stringify(event.data));
      expect(text).toBeUndefined();
      expect(JSON.stringify(document)).not.toMatch(/salt|authKeyHash/);
      expect(textOf(recorded({ type: 'VolumeUpdated', data: { volumeId: 'v1' } }, 1), undefined).text).toBeUndefined();
    });
  });

  it('leaves the event itself as it is', () => {
    const event = recorded(offered(), 1);
    auditOf(event);
    expect(event.data).toHaveProperty('salt');
  });

  it('orders by id as the log does', () => {
    expect([9n, 10n, 123_456_789_012n].map(auditIdOf)).toEqual([9n, 10n, 123_456_789_012n].map(auditIdOf).sort());
  });
});
