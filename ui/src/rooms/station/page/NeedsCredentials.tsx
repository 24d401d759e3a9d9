import { Alert, Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay, type Station } from '../../../api'
import { IconAlert } from '../../../design'
import { NewPassword } from './NewPassword'

/** A station that cannot connect before it is given a password, and the way to give it one. */
export function NeedsCredentials({ station }: { station: Station }) {
  const { t } = useTranslation()
  const [giving, setGiving] = useState(false)
  const may = useMay('station.write')
  return (
    <>
      {station.needs_credentials && (
        <Alert color="red" variant="light" icon={<IconAlert size={18} aria-hidden />} title={t('security.needs')} data-testid="needs-credentials">
          {t('security.needsHint')}
          {may && (
            <div style={{ marginTop: 10 }}>
              <Button size="xs" variant="default" onClick={() => setGiving(true)}>
                {t('security.give')}
              </Button>
            </div>
          )}
        </Alert>
      )}
      {giving && <NewPassword station={station} onClose={() => setGiving(false)} />}
    </>
  )
}
