import { SegmentedControl } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { Grid } from '../../../design'
import css from '../device.module.css'
import { DesiredPanel } from './DesiredPanel'
import { MissingPanel } from './MissingPanel'
import { VariablesPanel } from './VariablesPanel'

const VIEWS = ['variables', 'desired', 'missing'] as const
type View = (typeof VIEWS)[number]

interface Props {
  station: string
  online: boolean
  protocol?: string
}

/** What the station is set to, what it is to be set to, and what its standard asks for and it lacks. */
export function VariablesTab(p: Props) {
  const { t } = useTranslation()
  const [view, setView] = useState<View>('variables')
  return (
    <Grid>
      <SegmentedControl
        className={css.views}
        value={view}
        onChange={(v) => setView(v as View)}
        data={VIEWS.map((v) => ({ value: v, label: t(`device.part.${v}`) }))}
        aria-label={t('device.part.label')}
      />
      {view === 'variables' && <VariablesPanel {...p} />}
      {view === 'desired' && <DesiredPanel station={p.station} />}
      {view === 'missing' && <MissingPanel station={p.station} />}
    </Grid>
  )
}
