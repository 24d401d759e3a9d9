import { useTranslation } from 'react-i18next'
import { isFinal, type Command, type CommandStatus } from '../../../api'
import { IconCheck, IconX, Json, ToneBadge, useFormat, type Tone } from '../../../design'
import css from './command.module.css'

const TONE: Record<CommandStatus, Tone> = {
  queued: 'idle',
  sent: 'active',
  accepted: 'good',
  rejected: 'bad',
  failed: 'bad',
  timed_out: 'wait',
}

export function CommandBadge({ status }: { status: CommandStatus }) {
  const { t } = useTranslation()
  return <ToneBadge tone={TONE[status]}>{t(`station.command.status.${status}`)}</ToneBadge>
}

/** How far a command has come, and what the station answered. */
export function CommandState({ command: c }: { command: Command }) {
  const { t } = useTranslation()
  const f = useFormat()
  const good = c.status === 'accepted'
  const final = isFinal(c)
  const took = c.sent_at && c.finished_at ? Date.parse(c.finished_at) - Date.parse(c.sent_at) : undefined
  return (
    <div className={css.state} role="status" data-testid="command-state" data-status={c.status}>
      <ol className={css.steps}>
        <Step done label={t('station.command.status.queued')} />
        <Step done={c.status !== 'queued'} label={t('station.command.status.sent')} />
        <Step done={final} bad={final && !good} label={final ? t(`station.command.status.${c.status}`) : t('station.command.waiting')} />
      </ol>
      {took !== undefined && <div className={css.took}>{t('station.command.took', { ms: f.number(took) })}</div>}
      {c.error && <p className={css.error}>{c.error}</p>}
      {hasContent(c.response) && <Json value={c.response} />}
    </div>
  )
}

function Step({ done, bad, label }: { done?: boolean; bad?: boolean; label: string }) {
  const Icon = bad ? IconX : IconCheck
  return (
    <li className={`${css.step} ${done ? (bad ? css.stepBad : css.stepDone) : ''}`}>
      <span className={css.stepMark}>{done && <Icon size={12} stroke={3} aria-hidden />}</span>
      {label}
    </li>
  )
}

const hasContent = (v: unknown) => v !== undefined && v !== null && v !== '' && !(typeof v === 'object' && Object.keys(v).length === 0)
