import type { AnyRoute } from './route.ts';
import { snapshotActionRoutes } from './snapshots/action-routes.ts';
import { snapshotMetadataRoutes } from './snapshots/metadata-routes.ts';
import { snapshotRoutes } from './snapshots/routes.ts';
import { transferRoutes } from './transfers/routes.ts';
import { volumeActionRoutes } from './volumes/action-routes.ts';
import { volumeAttachRoutes } from './volumes/attach-routes.ts';
import { volumeImageMetadataRoutes } from './volumes/image-metadata-routes.ts';
import { volumeMetadataRoutes } from './volumes/metadata-routes.ts';
import { volumeRoutes } from './volumes/routes.ts';

/** Every operation of the API, resource by resource. */
export const ROUTES: readonly AnyRoute[] = [
  ...volumeRoutes,
  ...volumeMetadataRoutes,
  ...volumeActionRoutes,
  ...volumeImageMetadataRoutes,
  ...volumeAttachRoutes,
  ...snapshotRoutes,
  ...snapshotMetadataRoutes,
  ...snapshotActionRoutes,
  ...transferRoutes,
];
