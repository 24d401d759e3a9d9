import { Badge, Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { useList, useMay, type KnockingStation } from '../../../api'

/** Leads to the unknown stations that tried to connect; not shown while there are none. */
export function KnockingButton() {
  const { t } = useTranslation()
  const may = useMay('station.write')
  const { rows } = useList<KnockingStation>('/knocking-stations', {}, { enabled: may, refetchInterval: 30_000 })
  if (rows.length === 0) return null
  return (
    <Button
      variant="default"
      component={Link}
      to="/waiting-stations"
      rightSection={
        <Badge size="sm" circle>
          {rows.length}
        </Badge>
      }
    >
      {t('station.knocking.title')}
    </Button>
  )
}
