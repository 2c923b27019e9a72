/** Merged into the limits the class has; -1 is unlimited. Keys are those of the quota ledger (per type by type id). */
export interface SetQuotaClassLimits {
  readonly type: 'SetQuotaClassLimits';
  readonly className: string;
  readonly limits: Readonly<Record<string, number>>;
}

export type QuotaClassesCommand = SetQuotaClassLimits;
