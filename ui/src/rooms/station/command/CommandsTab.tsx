import { Alert } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useMay, type Station } from '../../../api'
import { Grid, IconAlert, Panel } from '../../../design'
import { ActionConsole } from '../console/ActionConsole'
import { ActionPicker, type Chosen } from '../console/ActionPicker'
import { useActions } from '../console/useActions'
import { ActionForm } from './ActionForm'
import { CommandHistory } from './CommandHistory'
import css from './command.module.css'
import { FORMS } from './forms'

const NAMES = FORMS.map((f) => f.action)

/** Every command: a form for the common ones, one drawn from the schema for all others, raw messages, and what was sent before. */
export function CommandsTab({ station }: { station: Station }) {
  const { t } = useTranslation()
  const [chosen, choose] = useState<Chosen>({ kind: 'form', action: NAMES[0] ?? '' })
  const { data: actions } = useActions()
  return (
    <Grid>
      {!station.online && (
        <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
          {t('station.command.offline')}
        </Alert>
      )}
      <div className={css.columns}>
        <ActionPicker station={station} forms={NAMES} actions={actions} mayRaw={useMay('device.write')} chosen={chosen} choose={choose} />
        <Grid>
          <ChosenPanel station={station} chosen={chosen} />
          <CommandHistory station={station.id} />
        </Grid>
      </div>
    </Grid>
  )
}

function ChosenPanel({ station, chosen }: { station: Station; chosen: Chosen }) {
  const { t } = useTranslation()
  const form = chosen.kind === 'form' ? FORMS.find((f) => f.action === chosen.action) : undefined
  if (form) {
    return (
      <Panel title={t(`station.command.action.${form.action}`)}>
        <p className={css.hint}>{t(`station.command.hint.${form.action}`)}</p>
        <ActionForm key={form.action} form={form} station={station} />
      </Panel>
    )
  }
  return (
    <Panel title={chosen.action}>
      <ActionConsole key={`${chosen.kind}:${chosen.action}`} station={station} action={chosen.action} raw={chosen.kind === 'raw'} />
    </Panel>
  )
}
