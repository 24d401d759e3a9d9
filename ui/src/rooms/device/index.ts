export { SecurityEvents } from './SecurityEvents'
export { VariablesPanel } from './VariablesPanel'
