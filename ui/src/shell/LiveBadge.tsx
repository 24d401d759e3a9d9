import { useTranslation } from 'react-i18next'
import { useLiveState } from '../api'
import { ToneBadge } from '../design'
import css from './shell.module.css'

/** Whether what is on the screen moves by itself. */
export function LiveBadge() {
  const { t } = useTranslation()
  const state = useLiveState()
  const tone = state === 'live' ? 'good' : state === 'connecting' ? 'idle' : 'wait'
  return (
    <span className={css.live} data-testid="live" data-state={state}>
      <ToneBadge tone={tone} title={t(`shell.live.${state}Hint`)} pulse={state === 'live'}>
        {t(`shell.live.${state}`)}
      </ToneBadge>
    </span>
  )
}
