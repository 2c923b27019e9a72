import { z } from 'zod';
import { requiredName, textOf } from '../field-schemas.ts';
import { always, lazy } from '../schema-versions.ts';

/** Bodies of the service operations (operations.json: services). */

const HOST = /^[a-zA-Z0-9\-._#@:/+[\]]*$/;
const host = lazy(() => z.string().min(1).max(255).regex(HOST).nullable().optional());
const cluster = lazy(() => textOf(0, 255).nullable().optional());

const namedFields = lazy(() => ({
  binary: textOf(1, 255).optional(),
  service: textOf(1, 255).optional(),
  host: host(),
  cluster: cluster(),
}));

const ONE_OF = { error: () => "at least one of 'binary', 'service' is a required property" };

const isNamed = ({ binary, service }: { readonly binary?: unknown; readonly service?: unknown }): boolean =>
  binary !== undefined || service !== undefined;

export const serviceBody = always(() => z.strictObject(namedFields()).refine(isNamed, ONE_OF));

export const disableBody = always(() =>
  z
    .strictObject({ ...namedFields(), disabled_reason: requiredName('disabled_reason').optional() })
    .refine(isNamed, ONE_OF),
);

export const freezeBody = always(() => z.strictObject({ host: host(), cluster: cluster() }));
