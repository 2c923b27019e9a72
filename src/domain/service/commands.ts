interface ServiceName {
  readonly binary: string;
  readonly host: string;
}

export type ServiceCommand =
  /** Sent by the service itself at each start; the UUID of the first time stays. */
  | (ServiceName & {
      readonly type: 'RegisterService';
      readonly serviceUuid: string;
      readonly availabilityZone: string;
    })
  | (ServiceName & { readonly type: 'EnableService' })
  /** `reason` null keeps the one that is there. */
  | (ServiceName & { readonly type: 'DisableService'; readonly reason: string | null })
  | (ServiceName & { readonly type: 'FreezeService' })
  | (ServiceName & { readonly type: 'ThawService' });
