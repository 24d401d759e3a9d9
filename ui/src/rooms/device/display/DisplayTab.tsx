import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useAll, useMay, type DisplayMessage } from '../../../api'
import { Panel } from '../../../design'
import { MessageDialog } from './MessageDialog'
import { ShownList } from './ShownList'

const MOST = 500

/** What one station's display shows, and a message for it alone. */
export function DisplayTab({ station }: { station: string }) {
  const { t } = useTranslation()
  const may = useMay('device.write')
  const { rows } = useAll<DisplayMessage>('/display-messages', {}, { max: MOST })
  const [adding, setAdding] = useState(false)
  return (
    <Panel
      title={t('device.display.title')}
      flush
      actions={
        may && (
          <Button size="xs" onClick={() => setAdding(true)}>
            {t('device.display.add')}
          </Button>
        )
      }
    >
      <ShownList station={station} textOf={(id) => rows?.find((m) => m.id === id)?.contents?.[0]?.text} />
      {adding && <MessageDialog station={station} onClose={() => setAdding(false)} />}
    </Panel>
  )
}
