import { Button } from '@mantine/core'
import { useDisclosure } from '@mantine/hooks'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useMay } from '../../../api'
import { Empty, IconPlus, IconStation, IconUpload, Page, Panel } from '../../../design'
import { AddStationDialog } from './AddStationDialog'
import { KnockingButton } from './KnockingButton'
import { StationTable } from './StationTable'

export function StationsPage() {
  const { t } = useTranslation()
  return (
    <Page
      title={t('station.list.title')}
      actions={
        <>
          <KnockingButton />
          <ImportButton />
          <AddStationButton />
        </>
      }
    >
      <Panel flush>
        <StationTable empty={<NoStations />} />
      </Panel>
    </Page>
  )
}

function ImportButton() {
  const { t } = useTranslation()
  if (!useMayAdd()) return null
  return (
    <Button variant="default" component={Link} to="/station-import" leftSection={<IconUpload size={16} aria-hidden />} data-testid="import-stations">
      {t('bulk.import')}
    </Button>
  )
}

export function AddStationButton() {
  const { t } = useTranslation()
  const [open, { open: show, close }] = useDisclosure()
  if (!useMayAdd()) return null
  return (
    <>
      <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={show} data-testid="add-station">
        {t('station.add.button')}
      </Button>
      {open && <AddStationDialog onClose={close} />}
    </>
  )
}

/** What to do when there is no station yet. */
export function NoStations() {
  const { t } = useTranslation()
  return (
    <Empty icon={<IconStation size={22} aria-hidden />} title={t('station.list.empty')} action={<AddStationButton />}>
      {t('station.list.emptyHint')}
    </Empty>
  )
}

const useMayAdd = () => useMay('station.write')
