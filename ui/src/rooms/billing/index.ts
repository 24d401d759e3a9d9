export { CdrPage } from './CdrPage'
export { CdrsPage } from './CdrsPage'
export { CostPanel } from './CostPanel'
