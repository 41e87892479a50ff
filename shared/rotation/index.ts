export { advance, type AdvanceRequest } from './advance.ts';
export type { EngineContext } from './context.ts';
export { interpret, Interrupted } from './interpret.ts';
export type { Engine, EnginePorts, Op, TargetFacts } from './ops.ts';
export { DEFAULT_POLICY, type RotationPolicy } from './policy.ts';
export { enginePorts, factsOf, holderIsDead, holderName, type OpenPorts } from './ports.ts';
export * from './record.ts';
export { runRotation, type RotationEvent, type RunDeps, type RunOptions } from './run.ts';
