import { describe, it } from 'vitest';
import {
  available,
  creationRequested,
  deleteVolume,
  deletionRequested,
  extensionRequested,
  given,
  outcomesOf,
  snapshotRequested,
} from './volumes.ts';

describe('a charge whose request never came', () => {
  const lapse = (operationId: string) => ({ type: 'LapseRequest', operationId }) as const;
  const lapsed = (operationId: string) => ({ type: 'RequestLapsed', data: { operationId } }) as const;

  it('is lapsed, on an empty stream, a live volume and a deleted one', () => {
    given().when(lapse('op')).then(lapsed('op'));
    given(...available())
      .when(lapse('op'))
      .then(lapsed('op'));
    const gone = {
      type: 'VolumeDeleted',
      data: {
        volumeId: 'v1',
        operationId: 'delete-op',
        projectId: 'p1',
        sizeGiB: 10,
        volumeTypeId: 'type1',
        pool: null,
      },
    } as const;
    given(...available(), deletionRequested(), gone)
      .when(lapse('op'))
      .then(lapsed('op'));
  });

  it('is lapsed once', () => {
    given(lapsed('op')).when(lapse('op')).thenNothing();
  });

  it('has landed, and stays, when its request is in the stream', () => {
    const history = [...available(), extensionRequested(), snapshotRequested('s1')];
    for (const operationId of ['create-op', 'extend-op', 's1-op'])
      given(...history)
        .when(lapse(operationId))
        .thenNothing();
  });

  it('makes a late request of that id impossible', () => {
    const request = creationRequested({ operationId: 'op' }).data;
    given(lapsed('op')).when({ type: 'CreateVolume', request }).thenRejected('RequestLapsed', 'op');
    given(lapsed('other')).when({ type: 'CreateVolume', request }).thenTypes('VolumeCreationRequested');
    const history = [...available(), lapsed('op')];
    given(...history)
      .when(deleteVolume({ operationId: 'op' }))
      .thenRejected('RequestLapsed', 'op');
    for (const outcome of outcomesOf('op'))
      given(...history)
        .when(outcome)
        .thenRejected('RequestLapsed', 'op');
  });

  it('leaves a request that landed done, when it is sent again', () => {
    const history = [...available(), deletionRequested()];
    given(...history)
      .when(deleteVolume({ operationId: 'delete-op' }))
      .thenNothing();
    given(...available(), extensionRequested())
      .when({
        type: 'ExtendVolume',
        operationId: 'extend-op',
        newSizeGiB: 20,
        attachedAllowed: false,
        maxSizeGiB: null,
      })
      .thenNothing();
  });
});
