import { Timeline } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import type { Step } from '../../api'
import { Instant } from '../../design'
import css from './device.module.css'

/** What happened one after the other, as the station told it or (in small letters) the platform did. */
export function Steps({ steps }: { steps: Step[] | undefined }) {
  const { t } = useTranslation()
  if (!steps?.length) return <span className={css.dim}>{t('device.noSteps')}</span>
  return (
    <Timeline bulletSize={12} lineWidth={2} active={steps.length}>
      {steps.map((s, i) => (
        <Timeline.Item key={i} title={<code>{s.status}</code>}>
          {s.detail && <div>{s.detail}</div>}
          <div className={css.dim}>
            <Instant at={s.at} form="timeSeconds" />
          </div>
        </Timeline.Item>
      ))}
    </Timeline>
  )
}
