export { IdTokensPage } from './IdTokensPage'
