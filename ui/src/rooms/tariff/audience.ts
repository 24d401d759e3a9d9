/** Who a price is for, in order of precedence. */
export const AUDIENCES = ['partner', 'fleet', 'subscription', 'driver_group', 'roaming', 'ad_hoc', 'default'] as const
export type Audience = (typeof AUDIENCES)[number]
