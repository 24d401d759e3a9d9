import { useTranslation } from 'react-i18next'
import { Grid, Page } from '../../design'
import { FailedJobs } from './FailedJobs'
import { ParkedFacts } from './ParkedFacts'
import { StoragePanels } from './StoragePanels'

/** How the installation itself is doing. */
export function SystemPage() {
  const { t } = useTranslation()
  return (
    <Page title={t('system.title')} subtitle={t('system.hint')}>
      <Grid>
        <ParkedFacts />
        <FailedJobs />
        <StoragePanels />
      </Grid>
    </Page>
  )
}
