export { announcing } from './announcing.ts';
export {
  openNamedStore,
  openPorts,
  rehearseSecret,
  rotateSecrets,
  rotationPolicyOf,
  systemDeps,
  type EngineDeps,
  type Opened,
} from './engine.ts';
