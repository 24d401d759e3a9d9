import { Button, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { del, query, stationPath, useChange, useMay, type DesiredVariable } from '../../../api'
import { Ago, NONE, ProblemAlert, ToneBadge, type Tone } from '../../../design'
import css from '../device.module.css'

const TONE: Record<DesiredVariable['status'], Tone> = {
  pending: 'active',
  met: 'good',
  reboot_required: 'wait',
  rejected: 'bad',
  unsupported: 'idle',
  read_only: 'idle',
  unverified: 'wait',
  drifted: 'wait',
}

export function DesiredBadge({ status }: { status: DesiredVariable['status'] }) {
  const { t } = useTranslation()
  return <ToneBadge tone={TONE[status]}>{t(`device.desired.status.${status}`)}</ToneBadge>
}

/** By whom a value is wanted, in words. */
export function useRuleName() {
  const { t } = useTranslation()
  return (rule: string) => (rule === 'operator' ? t('device.desired.byOperator') : rule.startsWith('template/') ? t('device.desired.byTemplate') : t('device.desired.byBaseline'))
}

const OPERATOR = 'operator'

/** What a variable is to be, whether it is, and a way to wish no more. */
export function DesiredState({ wish: w, station }: { wish: DesiredVariable; station: string }) {
  const { t } = useTranslation()
  const rule = useRuleName()
  const may = useMay('device.write')
  const withdraw = useChange(() => del(`${stationPath(station)}/desired${query({ path: w.path })}`), [stationPath(station), '/desired-variables'])
  return (
    <>
      <Group gap="xs">
        <DesiredBadge status={w.status} />
        <span>
          {t('device.desired.wanted')} <code>{w.value || NONE}</code> · {rule(w.rule)}
        </span>
      </Group>
      {(w.detail || w.drifted_at) && (
        <div className={css.dim}>
          {w.detail} {w.drifted_at && <Ago at={w.drifted_at} />}
        </div>
      )}
      {may && w.rule === OPERATOR && (
        <Button mt={8} size="xs" variant="default" loading={withdraw.busy} onClick={() => void withdraw.run(undefined).catch(() => undefined)}>
          {t('device.desired.withdraw')}
        </Button>
      )}
      <ProblemAlert problem={withdraw.problem} />
    </>
  )
}
