import { Tabs } from '@mantine/core'
import { useNavigate, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { Page } from '../../../design'
import { AddImageButton } from './ImageDialog'
import { ImageList } from './ImageList'
import { NewUpdateButton } from './UpdateDialog'
import { UpdateList } from './UpdateList'

const TABS = ['updates', 'images'] as const

/** The library of images, and the updates that bring them to stations. */
export function FirmwarePage() {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { tab = 'updates' } = useParams({ from: '/firmware/{-$tab}' })
  return (
    <Page title={t('device.firmware.title')} subtitle={t('device.firmware.hint')} actions={tab === 'images' ? <AddImageButton /> : <NewUpdateButton />}>
      <Tabs value={tab} onChange={(v) => void navigate({ to: '/firmware/{-$tab}', params: { tab: v === 'updates' ? undefined : (v ?? undefined) }, search: {} as never })}>
        <Tabs.List mb="md">
          {TABS.map((x) => (
            <Tabs.Tab key={x} value={x}>
              {t(`device.firmware.tab.${x}`)}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        <Tabs.Panel value={tab}>{tab === 'images' ? <ImageList /> : <UpdateList />}</Tabs.Panel>
      </Tabs>
    </Page>
  )
}
