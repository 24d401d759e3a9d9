import { Alert, Button, Group, Stepper, Text } from '@mantine/core'
import { useMediaQuery } from '@mantine/hooks'
import { useTranslation } from 'react-i18next'
import type { Upgrade } from '../../../api'
import { Ago, IconAlert, IconCheck, Instant, NARROW, ToneBadge } from '../../../design'
import css from './security.module.css'
import { isUnderWay, stepsOf } from './steps'

interface Props {
  upgrade: Upgrade
  cancel?: () => void
  busy: boolean
}

/** How far a move has come, or how the last one ended. */
export function Progress({ upgrade: u, cancel, busy }: Props) {
  const { t } = useTranslation()
  const title = u.kind === 'profile' ? t('security.movingTo', { from: u.from, to: u.target }) : t('security.rotating')
  if (!isUnderWay(u)) return <Ended upgrade={u} title={title} />
  return (
    <div className={css.progress} data-testid="upgrade" data-step={u.step}>
      <Group justify="space-between" gap={8}>
        <div>
          <strong>{title}</strong>{' '}
          <Text span size="sm" c="dimmed">
            {t('security.begun')} <Ago at={u.created_at} />
            {u.deadline && (
              <>
                {' · '}
                {t('security.deadline')} <Instant at={u.deadline} />
              </>
            )}
          </Text>
        </div>
        {cancel && (
          <Button size="xs" variant="default" loading={busy} onClick={cancel} data-testid="cancel-upgrade">
            {t('security.cancel')}
          </Button>
        )}
      </Group>
      <Steps upgrade={u} />
      {u.reason && (
        <Text size="sm" c="dimmed">
          {u.reason}
        </Text>
      )}
      {(u.attempts ?? 0) > 0 && (
        <Text size="sm" c="dimmed">
          {t('security.attempts', { n: u.attempts })}
        </Text>
      )}
    </div>
  )
}

function Steps({ upgrade: u }: { upgrade: Upgrade }) {
  const { t } = useTranslation()
  const narrow = useMediaQuery(NARROW, undefined, { getInitialValueInEffect: false })
  const steps = stepsOf(u)
  return (
    <Stepper active={steps.indexOf(u.step)} size="xs" my={14} orientation={narrow ? 'vertical' : 'horizontal'} allowNextStepsSelect={false}>
      {steps.map((s) => (
        <Stepper.Step key={s} label={t(`security.step.${s}`)} description={s === u.step ? t(`security.doing.${s}`) : undefined} loading={s === u.step} />
      ))}
    </Stepper>
  )
}

function Ended({ upgrade: u, title }: { upgrade: Upgrade; title: string }) {
  const { t } = useTranslation()
  if (u.step === 'failed') {
    return (
      <Alert mt="md" color="red" variant="light" icon={<IconAlert size={18} aria-hidden />} title={`${title}: ${t('security.step.failed')}`} data-testid="upgrade" data-step={u.step}>
        {u.reason} {t('security.stillGood')}
      </Alert>
    )
  }
  return (
    <Group mt="md" gap={8} data-testid="upgrade" data-step={u.step}>
      <ToneBadge tone={u.step === 'done' ? 'good' : 'idle'}>
        {u.step === 'done' && <IconCheck size={13} aria-hidden />}
        {t(`security.step.${u.step}`)}
      </ToneBadge>
      <Text size="sm">
        {title}, <Ago at={u.finished_at} />
      </Text>
    </Group>
  )
}
