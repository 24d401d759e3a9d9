export { SecurityEvents } from './SecurityEvents'
export { SecurityProfile } from './security/SecurityProfile'
export { VariablesPanel } from './VariablesPanel'
