import { Alert, Select } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Station } from '../../../api'
import { Grid, IconAlert, Panel } from '../../../design'
import { CommandHistory } from './CommandHistory'
import { ConsoleForm } from './ConsoleForm'
import { ActionForm } from './ActionForm'
import css from './command.module.css'
import { CONSOLE, FORMS } from './forms'

const ACTIONS = [...FORMS.map((f) => f.action), CONSOLE]

/** Every command: a form for the common ones, a console for the rest, and what was sent before. */
export function CommandsTab({ station }: { station: Station }) {
  const { t } = useTranslation()
  const [action, setAction] = useState(ACTIONS[0] ?? CONSOLE)
  const form = FORMS.find((f) => f.action === action)
  const title = t(`station.command.action.${action}`)
  return (
    <Grid>
      {!station.online && (
        <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
          {t('station.command.offline')}
        </Alert>
      )}
      <div className={css.columns}>
        <Panel flush className={css.actionPanel}>
          <div className={css.actions} role="group" aria-label={t('station.command.choose')}>
            {ACTIONS.map((a) => (
              <button key={a} type="button" className={css.action} aria-current={a === action} onClick={() => setAction(a)} data-testid={`action-${a}`}>
                {t(`station.command.action.${a}`)}
              </button>
            ))}
          </div>
        </Panel>
        <Select
          className={css.choice}
          label={t('station.command.choose')}
          data={ACTIONS.map((a) => ({ value: a, label: t(`station.command.action.${a}`) }))}
          value={action}
          onChange={(a) => a && setAction(a)}
          allowDeselect={false}
        />
        <Grid>
          <Panel title={title}>
            <p className={css.hint}>{t(`station.command.hint.${action}`)}</p>
            {form ? <ActionForm key={action} form={form} station={station} /> : <ConsoleForm station={station} />}
          </Panel>
          <CommandHistory station={station.id} />
        </Grid>
      </div>
    </Grid>
  )
}
