import { useTranslation } from 'react-i18next'
import type { Session } from '../../api'
import { Instant, useFormat } from '../../design'
import css from './session.module.css'
import { isOpen } from './status'

interface Moment {
  key: string
  at: string
}

/** What happened when, with the time between. */
export function Timeline({ session, zone }: { session: Session; zone?: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const list = moments(session)
  return (
    <ol className={css.timeline}>
      {list.map((m, i) => {
        const before = list[i - 1]
        return (
          <li key={m.key}>
            <span className={css.mark} aria-hidden />
            <div className={css.moment}>
              <span>{t(`session.moment.${m.key}`)}</span>
              <Instant at={m.at} zone={zone} />
            </div>
            {before && <div className={css.between}>+ {f.duration(Date.parse(m.at) - Date.parse(before.at))}</div>}
          </li>
        )
      })}
      {isOpen(session.status) && (
        <li>
          <span className={`${css.mark} ${css.now}`} aria-hidden />
          <div className={css.moment}>
            <span>{t('session.moment.now')}</span>
            <span>{session.charging_state ?? t(`session.status.${session.status}`)}</span>
          </div>
        </li>
      )}
    </ol>
  )
}

/** The instants a session knows, in the order they happened. */
export function moments(s: Session): Moment[] {
  const all: [string, string | undefined][] = [
    ['started', s.started_at],
    ['energyStarted', s.energy_started_at],
    ['energyEnded', s.energy_ended_at],
    ['unplugged', s.unplugged_at],
    ['ended', s.ended_at],
  ]
  return all
    .filter((m): m is [string, string] => Boolean(m[1]))
    .map(([key, at]) => ({ key, at }))
    .sort((a, b) => Date.parse(a.at) - Date.parse(b.at))
}
