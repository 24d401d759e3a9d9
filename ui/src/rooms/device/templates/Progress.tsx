import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { post, useChange, useOne, type TemplateProgress } from '../../../api'
import { IconRefresh, Panel, ProblemAlert, ToneBadge, ToneBar, useFormat, type Tone } from '../../../design'
import css from './templates.module.css'

const PARTS = [
  ['applied', 'good'],
  ['partial', 'held'],
  ['pending', 'active'],
  ['failed', 'bad'],
  ['drifted', 'wait'],
  ['paused', 'idle'],
  ['offline', 'idle'],
] as const satisfies readonly (readonly [keyof TemplateProgress, Tone])[]

/** How far a template got, and a way to try again where it did not. */
export function Progress({ id, mayApply }: { id: string; mayApply: boolean }) {
  const { t } = useTranslation()
  const f = useFormat()
  const path = `/device-templates/${encodeURIComponent(id)}`
  const { data } = useOne<TemplateProgress>(`${path}/progress`, { refetchInterval: 5_000 })
  const apply = useChange(() => post(`${path}/apply`), [path])
  if (!data) return null
  const label = t('device.template.stations', { total: f.number(data.stations) })
  return (
    <Panel
      title={label}
      actions={
        mayApply && (
          <Button size="xs" variant="default" leftSection={<IconRefresh size={14} aria-hidden />} loading={apply.busy} onClick={() => void apply.run(undefined).catch(() => undefined)} data-testid="template-apply">
            {t('device.template.apply')}
          </Button>
        )
      }
    >
      <div className={css.bar}>
        <ToneBar label={label} counts={{ good: data.applied, held: data.partial, active: data.pending, bad: data.failed, wait: data.drifted }} />
      </div>
      <div className={css.counts}>
        {PARTS.filter(([name]) => data[name] > 0 || name === 'applied').map(([name, tone]) => (
          <ToneBadge key={name} tone={tone}>
            {t(`device.template.progress.${name}`)}: {f.number(data[name])}
          </ToneBadge>
        ))}
      </div>
      <ProblemAlert problem={apply.problem} />
    </Panel>
  )
}
