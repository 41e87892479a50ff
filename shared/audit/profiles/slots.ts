/**
 * Indexes of all slots. They are written into state: one that is no longer used is never given to another.
 * 0-19 base, novelty, volume, sweep, across; 20-39 authentication, time, identity; 40-59 privilege, logs, decoys; 60-79 incidents, usage, marks.
 */
export const SLOT = {
  base: 0,
  known: 1,
  volume: 2,
  sweep: 3,
  across: 4,
  readers: 5,
  tenantReads: 6,
  risk: 7,
  auth: 20,
  authNetwork: 21,
  time: 22,
  tenantTime: 23,
  identity: 24,
  pace: 25,
  tenantIdentity: 26,
  privilege: 40,
  privilegeSecret: 41,
  logs: 42,
  privilegeTenant: 43,
  marks: 60,
  incident: 61,
  usage: 62,
  aliases: 63,
  calendar: 64,
  ours: 65,
} as const;
