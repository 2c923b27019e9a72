import { expect, it } from 'vitest';
import type { DomainEvent } from '../../src/domain/kernel/event.ts';
import { keyedCommandsProjection } from '../../src/projections/keyed-commands.ts';
import { givenRecorded, recorded } from './recorded.ts';

const named = (name: string): DomainEvent => ({ type: 'VolumeUpdated', data: { volumeId: 'v1', name } });
const keyed = { commandId: 'c1', requestHash: 'h1' };

const documentsOf = (...events: Parameters<typeof recorded>[]) => [
  ...givenRecorded(
    keyedCommandsProjection,
    events.map((event) => recorded(...event)),
  ).documents.values(),
];

it('keeps all that was done under a key, with the hash of its request', () => {
  const found = documentsOf([named('a'), 1, keyed], [named('b'), 2, keyed]);
  expect(found).toEqual([
    {
      id: 'c1',
      requestHash: 'h1',
      stream: expect.any(String),
      events: [
        { type: 'VolumeUpdated', at: expect.any(Number), data: { volumeId: 'v1', name: 'a' } },
        { type: 'VolumeUpdated', at: expect.any(Number), data: { volumeId: 'v1', name: 'b' } },
      ],
    },
  ]);
});

it('keeps nothing of commands without a key', () => {
  expect(documentsOf([named('a'), 1, { commandId: 'c1' }])).toEqual([]);
});

it('keeps no secret', () => {
  const offer = { type: 'TransferCreated', data: { volumeId: 'v1', transferId: 't1', salt: 's', authKeyHash: 'h' } };
  expect(documentsOf([offer, 1, keyed])).toMatchObject([{ events: [{ data: { volumeId: 'v1', transferId: 't1' } }] }]);
  expect(JSON.stringify(documentsOf([offer, 1, keyed]))).not.toMatch(/salt|authKeyHash/);
});
