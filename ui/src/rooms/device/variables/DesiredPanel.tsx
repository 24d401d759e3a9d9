import { Alert, Button, Group } from '@mantine/core'
import { Link, useNavigate } from '@tanstack/react-router'
import { useTranslation } from 'react-i18next'
import { post, put, stationPath, useChange, useMay, useOne, type AppliedTemplates, type DesiredVariable, type DeviceState } from '../../../api'
import { Ago, DataTable, Empty, Facts, Failed, Grid, IconRefresh, Instant, Loading, NONE, Panel, ProblemAlert, type Column } from '../../../design'
import css from '../device.module.css'
import { DesiredBadge, useRuleName } from './Desired'

/** What the platform sets at a station and why, whether it is so, and the brake. */
export function DesiredPanel({ station }: { station: string }) {
  const { t } = useTranslation()
  const path = stationPath(station)
  const { data, problem, retry } = useOne<DeviceState>(`${path}/device`, { refetchInterval: 10_000 })
  if (problem) return <Failed problem={problem} retry={retry} />
  if (!data) return <Loading />
  return (
    <Grid>
      <State station={station} device={data} />
      <Templates station={station} />
      <Panel title={t('device.desired.title')} flush>
        <Wishes rows={data.desired} />
      </Panel>
    </Grid>
  )
}

function State({ station, device: d }: { station: string; device: DeviceState }) {
  const { t } = useTranslation()
  const path = `${stationPath(station)}/reconciliation`
  const may = useMay('device.write')
  const pause = useChange((paused: boolean) => put(path, { paused }), [stationPath(station)])
  const again = useChange(() => post(path), [stationPath(station)])
  return (
    <Panel
      title={t('device.desired.state')}
      actions={
        may && (
          <Group gap="xs">
            <Button size="xs" variant="default" loading={pause.busy} onClick={() => void pause.run(!d.paused_at).catch(() => undefined)} data-testid="reconcile-pause">
              {d.paused_at ? t('device.desired.resume') : t('device.desired.pause')}
            </Button>
            <Button size="xs" variant="default" leftSection={<IconRefresh size={14} aria-hidden />} loading={again.busy} onClick={() => void again.run(undefined).catch(() => undefined)}>
              {t('device.desired.compare')}
            </Button>
          </Group>
        )
      }
    >
      {d.paused_at && (
        <Alert color="yellow" variant="light" mb="md">
          {t('device.desired.paused', { by: d.paused_by ?? '' })} <Ago at={d.paused_at} />
        </Alert>
      )}
      <Facts
        items={[
          [t('device.desired.read'), d.reading ? t('device.desired.reading', { parts: d.report_parts }) : <Instant key="r" at={d.read_at} />],
          [t('device.desired.synced'), <Ago key="s" at={d.synced_at} />],
          [t('device.desired.drift'), d.drifted ? t('design.yes') : t('design.no')],
          [t('device.desired.failures'), String(d.read_failures)],
        ]}
      />
      <ProblemAlert problem={pause.problem ?? again.problem} />
    </Panel>
  )
}

function Templates({ station }: { station: string }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const { data } = useOne<AppliedTemplates>(`${stationPath(station)}/templates`)
  const may = useMay('device.write')
  return (
    <Panel
      title={t('device.template.applied')}
      actions={
        may && (
          <Button size="xs" variant="default" onClick={() => void navigate({ to: '/device-templates/$templateId', params: { templateId: 'new' }, search: { station } as never })} data-testid="template-from-station">
            {t('device.template.fromStation')}
          </Button>
        )
      }
    >
      {data && data.templates.length === 0 && <span className={css.dim}>{t('device.template.appliedNone')}</span>}
      <ul className={css.plain}>
        {data?.templates.map((x) => (
          <li key={x.id}>
            <Link to="/device-templates/$templateId" params={{ templateId: x.id ?? '' }} className="link">
              {x.name}
            </Link>{' '}
            <span className={css.dim}>{t('device.template.priorityIs', { priority: x.priority ?? 0 })}</span>
          </li>
        ))}
      </ul>
      {data && data.overruled.length > 0 && (
        <Alert color="yellow" variant="light" mt="sm" title={t('device.template.overruled')}>
          <ul className={css.plain}>
            {data.overruled.map((o) => (
              <li key={`${o.path} ${o.rule}`}>
                <code>{o.path}</code> = <code>{o.value}</code>
              </li>
            ))}
          </ul>
        </Alert>
      )}
    </Panel>
  )
}

function Wishes({ rows }: { rows: DesiredVariable[] }) {
  const { t } = useTranslation()
  const rule = useRuleName()
  const columns: Column<DesiredVariable>[] = [
    { id: 'path', header: t('device.field.name'), card: 'lead', cell: (d) => <code title={d.path}>{d.path}</code> },
    { id: 'status', header: t('device.field.status'), card: 'badge', width: 170, cell: (d) => <DesiredBadge status={d.status} /> },
    { id: 'value', header: t('device.desired.wanted'), cell: (d) => <code title={d.value}>{d.value || NONE}</code> },
    { id: 'actual', header: t('device.desired.actual'), cell: (d) => <code title={d.actual}>{d.actual || NONE}</code> },
    { id: 'rule', header: t('device.desired.by'), cell: (d) => <span title={d.rule}>{rule(d.rule)}</span> },
    { id: 'tried', header: t('device.desired.tried'), width: 130, cell: (d) => <Ago at={d.tried_at} /> },
  ]
  return <DataTable label={t('device.desired.title')} rows={rows} columns={columns} rowKey={(d) => d.path} empty={<Empty title={t('device.desired.none')} />} />
}
