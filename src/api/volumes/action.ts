import type { VolumeDocument } from '../../projections/volumes.ts';
import { answersNothing } from '../repeat.ts';
import { type AnyRoute, type Route, route } from '../route.ts';
import { volumeOfPath } from './target.ts';

type Declaration<Body> = Omit<Route<Body, undefined, VolumeDocument>, 'method' | 'path'> & {
  readonly action: string;
};

/** An action on a volume: one of many at the same path, chosen by the key of the body. */
export const volumeAction = <Body = undefined>(declaration: Declaration<Body>): AnyRoute =>
  route<Body, undefined, VolumeDocument>({
    method: 'POST',
    path: '/volumes/{volume_id}/action',
    target: volumeOfPath,
    again: answersNothing,
    ...declaration,
  });
