import type { BadRequest, Expectation } from './bad-request.ts';
import { byHand } from './by-hand.ts';
import { fromBodies } from './from-bodies.ts';
import { fromRoutes } from './from-routes.ts';
import type { Things } from './things.ts';

/** Everything that is sent over HTTP as such, by what must come of it. */
export function badRequests(things: Things): Readonly<Record<Expectation, readonly BadRequest[]>> {
  const all = [...byHand(things), ...fromRoutes(things), ...fromBodies(things)];
  const of = (expectation: Expectation): readonly BadRequest[] => all.filter(({ expect }) => expect === expectation);
  return { malformed: of('malformed'), refused: of('refused'), odd: of('odd') };
}
