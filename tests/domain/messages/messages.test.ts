import { describe, it } from 'vitest';
import { messages } from '../../../src/domain/messages/index.ts';
import { givenDecider } from '../given-when-then.ts';

const given = (...ids: readonly string[]) =>
  givenDecider(messages.decider).given(
    ...ids.map((messageId) => ({ type: 'MessageDeleted' as const, data: { projectId: 'a', messageId } })),
  );

const remove = (messageId: string) => ({ type: 'DeleteMessage' as const, projectId: 'a', messageId });

describe('putting a user message away', () => {
  it('is recorded once', () => {
    given()
      .when(remove('m1'))
      .then({ type: 'MessageDeleted', data: { projectId: 'a', messageId: 'm1' } });
    given('m1', 'm2').when(remove('m1')).thenNothing();
  });

  it('leaves others', () => {
    given('m1').when(remove('m2')).thenTypes('MessageDeleted');
  });
});
