import { Alert, Modal, Stack, Title } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { stationPath, useOne, type DeviceState, variablePath, type Variable } from '../../../api'
import { Facts, Instant } from '../../../design'
import css from '../device.module.css'
import { DesiredState } from './Desired'
import { allowedText, isWritable, nameOf } from './variable'
import { VariableForm } from './VariableForm'
import { VariableHistory } from './VariableHistory'

interface Props {
  station: string
  variable: Variable
  mayEdit: boolean
  onClose: () => void
}

/** All that is known of one variable: what it means, what it may be, what it was, and a way to change it. */
export function VariableDialog({ station, variable: v, mayEdit, onClose }: Props) {
  const { t } = useTranslation()
  const { data: device } = useOne<DeviceState>(`${stationPath(station)}/device`)
  const wish = device?.desired.find((d) => d.path === variablePath(v))
  return (
    <Modal opened onClose={onClose} size="xl" title={<code>{nameOf(v)}</code>}>
      <Stack>
        {v.meaning && <p className={css.meaning}>{v.meaning}</p>}
        <Facts
          items={[
            [t('device.field.value'), <code key="v">{v.mutability === 'WriteOnly' ? '••••••' : `${v.value}${v.unit ? ` ${v.unit}` : ''}`}</code>],
            [t('device.field.attribute'), v.attribute],
            [t('device.field.type'), v.data_type],
            [t('device.field.mutability'), v.mutability],
            [t('device.field.allowed'), allowedText(v)],
            [t('device.field.key'), v.key && <code key="k">{v.key}</code>],
            [t('device.field.requiredIn'), (v.required_in ?? []).join(', ')],
            [t('device.field.updated'), <Instant key="u" at={v.updated_at} />],
          ]}
        />
        {wish && (
          <Alert variant="light" color={wish.drifted_at ? 'yellow' : 'gray'}>
            <DesiredState wish={wish} station={station} />
          </Alert>
        )}
        {mayEdit && isWritable(v) && <VariableForm station={station} variable={v} onDone={onClose} />}
        <section>
          <Title order={3} size="h5" mb={6}>
            {t('device.history.title')}
          </Title>
          <VariableHistory station={station} variable={v} />
        </section>
      </Stack>
    </Modal>
  )
}
