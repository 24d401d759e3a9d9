export { IdTokensPage } from './IdTokensPage'
export { LocalListPanel } from './LocalListPanel'
