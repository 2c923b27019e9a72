import { param } from '../call.ts';
import { notFound } from '../faults.ts';
import { type AnyRoute, route } from '../route.ts';
import { EXTENSIONS, type Extension } from './extensions.ts';

const view = (extension: Extension): object => ({ ...extension, links: [] });

export const extensionRoutes: readonly AnyRoute[] = [
  route({
    id: 'extensions-list',
    method: 'GET',
    path: '/extensions',
    summary: 'List extensions of the API',
    status: 200,
    policy: null,
    handler: () => ({ extensions: EXTENSIONS.map(view) }),
  }),
  route({
    id: 'extensions-show',
    method: 'GET',
    path: '/extensions/{alias}',
    summary: 'Show an extension of the API',
    status: 200,
    policy: null,
    handler: (call) => {
      const found = EXTENSIONS.find(({ alias }) => alias === param(call, 'alias'));
      if (found === undefined) throw notFound();
      return { extension: view(found) };
    },
  }),
];
