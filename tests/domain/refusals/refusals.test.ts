import { describe, it } from 'vitest';
import { MAX_REFUSALS_PER_STREAM, refusals } from '../../../src/domain/refusals/index.ts';
import { givenDecider } from '../given-when-then.ts';

const refusal = {
  projectId: 'a',
  command: 'DeleteVolume',
  stream: 'volume-v1',
  code: 'InvalidVolume',
  message: 'Invalid volume: it is attached',
};

const given = (recorded: number) =>
  givenDecider(refusals.decider).given(
    ...Array.from({ length: recorded }, () => ({ type: 'CommandRefused' as const, data: refusal })),
  );

describe('a refusal', () => {
  it('is recorded each time', () => {
    given(0)
      .when({ type: 'RecordRefusal', ...refusal })
      .then({ type: 'CommandRefused', data: refusal });
    given(MAX_REFUSALS_PER_STREAM - 1)
      .when({ type: 'RecordRefusal', ...refusal })
      .thenTypes('CommandRefused');
  });

  it('is dropped silently once the stream has its share', () => {
    given(MAX_REFUSALS_PER_STREAM)
      .when({ type: 'RecordRefusal', ...refusal })
      .thenNothing();
  });
});
