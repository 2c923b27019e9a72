import type { AnyRoute } from './route.ts';

/** Every operation of the API, resource by resource. */
export const ROUTES: readonly AnyRoute[] = [];
