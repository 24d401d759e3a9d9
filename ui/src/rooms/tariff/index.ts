export { TariffsPage } from './TariffsPage'
