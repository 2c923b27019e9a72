import { availabilityZoneRoutes } from './availability-zones/routes.ts';
import { capabilityRoutes } from './capabilities/routes.ts';
import { defaultTypeRoutes } from './default-types/routes.ts';
import { extensionRoutes } from './extensions/routes.ts';
import { hostRoutes } from './hosts/routes.ts';
import { limitRoutes } from './limits/routes.ts';
import { messageRoutes } from './messages/routes.ts';
import { operationRoutes } from './operations/routes.ts';
import { poolRoutes } from './pools/routes.ts';
import { projectionRoutes } from './projections/routes.ts';
import { quotaClassRoutes } from './quota-classes/routes.ts';
import { quotaSetRoutes } from './quota-sets/routes.ts';
import { resourceFilterRoutes } from './resource-filters/routes.ts';
import type { AnyRoute } from './route.ts';
import { serviceRoutes } from './services/routes.ts';
import { snapshotActionRoutes } from './snapshots/action-routes.ts';
import { snapshotMetadataRoutes } from './snapshots/metadata-routes.ts';
import { snapshotRoutes } from './snapshots/routes.ts';
import { transferRoutes } from './transfers/routes.ts';
import { extraSpecRoutes } from './volume-types/extra-specs-routes.ts';
import { volumeTypeRoutes } from './volume-types/routes.ts';
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
  ...volumeTypeRoutes,
  ...extraSpecRoutes,
  ...defaultTypeRoutes,
  ...quotaSetRoutes,
  ...quotaClassRoutes,
  ...limitRoutes,
  ...poolRoutes,
  ...capabilityRoutes,
  ...serviceRoutes,
  ...hostRoutes,
  ...availabilityZoneRoutes,
  ...extensionRoutes,
  ...resourceFilterRoutes,
  ...messageRoutes,
  ...operationRoutes,
  ...projectionRoutes,
];
