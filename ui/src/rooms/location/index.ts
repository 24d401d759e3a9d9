export { SiteSelect } from './SiteSelect'
export { SitesPage } from './SitesPage'
