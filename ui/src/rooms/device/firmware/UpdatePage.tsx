import { Alert, Button, Group } from '@mantine/core'
import { Link, useParams } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { post, useChange, useMay, useOne, type FirmwareUpdate } from '../../../api'
import { Facts, Failed, Grid, Instant, Loading, Page, Panel, ProblemAlert, ToneBadge, ToneBar, useFormat } from '../../../design'
import { UpdateBadge } from './state'
import { TaskList } from './TaskList'
import { countsOf } from './UpdateList'

/** How one update goes: its counts, the brake, and every station of it. */
export function UpdatePage() {
  const { t } = useTranslation()
  const { updateId } = useParams({ from: '/firmware-updates/$updateId' })
  const path = `/firmware-updates/${encodeURIComponent(updateId)}`
  const { data, problem, retry } = useOne<FirmwareUpdate>(path, { refetchInterval: 3_000 })
  const crumbs = [
    <Link key="firmware" to="/firmware/{-$tab}" className="quiet">
      {t('device.firmware.title')}
    </Link>,
  ]
  return (
    <Page
      title={t('device.firmware.updateTo', { version: data?.version ?? '' })}
      crumbs={crumbs}
      aside={data && <UpdateBadge state={data.state} />}
      actions={data && <Steer path={path} state={data.state} />}
    >
      {problem && <Failed problem={problem} retry={retry} />}
      {!data && !problem && <Loading />}
      {data && (
        <Grid>
          <Overview update={data} />
          <Panel title={t('device.firmware.stations')} flush>
            <TaskList update={updateId} />
          </Panel>
        </Grid>
      )}
    </Page>
  )
}

function Steer({ path, state }: { path: string; state: FirmwareUpdate['state'] }) {
  const { t } = useTranslation()
  const may = useMay('firmware.write')
  const steer = useChange((verb: 'pause' | 'resume' | 'cancel') => post<FirmwareUpdate>(`${path}/${verb}`), [path, '/firmware-updates', '/firmware-tasks'])
  if (!may || state === 'finished' || state === 'cancelled') return null
  const button = (verb: 'pause' | 'resume' | 'cancel', color?: string) => (
    <Button variant="default" c={color} loading={steer.busy} onClick={() => void steer.run(verb).catch(() => undefined)} data-testid={`update-${verb}`}>
      {t(`device.firmware.${verb}`)}
    </Button>
  )
  return (
    <>
      {state === 'running' ? button('pause') : button('resume')}
      {button('cancel', 'red')}
      <ProblemAlert problem={steer.problem} />
    </>
  )
}

const COUNTS = [
  ['done', 'good'],
  ['open', 'active'],
  ['waiting', 'idle'],
  ['failed', 'bad'],
  ['left_out', 'held'],
] as const

function Overview({ update: u }: { update: FirmwareUpdate }) {
  const { t } = useTranslation()
  const f = useFormat()
  const p = u.policy
  const text = (v: number | undefined, unit = '') => (v ? `${f.number(v)}${unit}` : undefined)
  return (
    <Panel title={t('device.firmware.progress')}>
      {u.detail && (
        <Alert color="yellow" variant="light" mb="md">
          {u.detail}
        </Alert>
      )}
      <div style={{ display: 'flex' }}>
        <ToneBar counts={countsOf(u)} label={t('device.firmware.doneOf', { done: u.done, all: u.stations })} />
      </div>
      <Group gap="xs" my="md" data-testid="update-counts">
        {COUNTS.map(([name, tone]) => (
          <ToneBadge key={name} tone={tone}>
            {t(`device.firmware.count.${name}`)}: {f.number(u[name])}
          </ToneBadge>
        ))}
      </Group>
      <Facts
        items={[
          [t('device.firmware.begun'), <Instant key="b" at={u.created_at} />],
          [t('device.firmware.ended'), u.finished_at && <Instant key="e" at={u.finished_at} />],
          [t('device.firmware.policy.when_charging'), t(`device.firmware.charging.${p.when_charging ?? 'wait'}`)],
          [t('device.firmware.policy.install_at'), p.install_at && <Instant key="i" at={p.install_at} />],
          [t('device.firmware.policy.hours'), p.from && `${p.from} – ${p.to}`],
          [t('device.firmware.policy.canary_percent'), text(p.canary_percent, ' %')],
          [t('device.firmware.policy.stop_percent'), text(p.stop_percent, ' %')],
          [t('device.firmware.policy.parallel'), text(p.parallel)],
        ]}
      />
    </Panel>
  )
}
