import { Alert, Button, Checkbox, Group, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, stationPath, useChange, useList, useMay, type CustomerInput, type DeviceRequest, type Revealed } from '../../api'
import { Ago, DataTable, IconAlert, Json, NONE, Panel, ProblemAlert, ToneBadge, type Column, type Tone } from '../../design'
import css from './device.module.css'

const KIND = 'customer_information'
const TONE: Record<DeviceRequest['status'], Tone> = { waiting: 'active', complete: 'good', empty: 'idle', declined: 'bad', stalled: 'wait', shown: 'idle' }

/** What a station knows of a customer, asked for on their behalf; shown once and then gone. */
export function CustomerInformation({ station, protocol }: { station: string; protocol?: string }) {
  const { t } = useTranslation()
  const path = stationPath(station)
  if (!useMay('device.write')) return null
  return (
    <Panel title={t('device.customer.title')}>
      <Stack>
        <p className={css.dim} style={{ margin: 0 }}>
          {protocol === '1.6' ? t('device.customer.only2') : t('device.customer.hint')}
        </p>
        {protocol !== '1.6' && <Ask path={path} />}
        <Answers path={path} />
      </Stack>
    </Panel>
  )
}

function Ask({ path }: { path: string }) {
  const { t } = useTranslation()
  const [identifier, setIdentifier] = useState('')
  const [token, setToken] = useState('')
  const [report, setReport] = useState(true)
  const [clear, setClear] = useState(false)
  const ask = useChange((body: CustomerInput) => post<DeviceRequest>(`${path}/customer-information`, body), [`${path}/requests`])
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void ask
      .run({ report, clear, ...(identifier ? { customer_identifier: identifier } : {}), ...(token ? { id_token: { id: token, type: 'ISO14443' } } : {}) })
      .catch(() => undefined)
  }
  return (
    <form onSubmit={submit}>
      <Stack gap="sm">
        <div className={css.fields}>
          <TextInput label={t('device.customer.token')} value={token} onChange={(e) => setToken(e.currentTarget.value)} maxLength={255} />
          <TextInput label={t('device.customer.identifier')} value={identifier} onChange={(e) => setIdentifier(e.currentTarget.value)} maxLength={64} />
        </div>
        <Group>
          <Checkbox label={t('device.customer.report')} checked={report} onChange={(e) => setReport(e.currentTarget.checked)} />
          <Checkbox label={t('device.customer.clear')} checked={clear} onChange={(e) => setClear(e.currentTarget.checked)} />
        </Group>
        <Group>
          <Button type="submit" loading={ask.busy} disabled={(!identifier && !token) || (!report && !clear)}>
            {t('device.customer.ask')}
          </Button>
        </Group>
        <ProblemAlert problem={ask.problem} />
      </Stack>
    </form>
  )
}

function Answers({ path }: { path: string }) {
  const { t } = useTranslation()
  const list = useList<DeviceRequest>(`${path}/requests`, { kind: KIND, sort: '-asked_at' }, { limit: 10, refetchInterval: 4_000 })
  const reveal = useChange((id: number) => post<Revealed>(`${path}/customer-information/${id}/reveal`), [`${path}/requests`])
  const columns: Column<DeviceRequest>[] = [
    { id: 'subject', header: t('device.customer.who'), card: 'lead', cell: (r) => r.subject || NONE },
    { id: 'status', header: t('device.field.status'), card: 'badge', width: 160, cell: (r) => <ToneBadge tone={TONE[r.status]}>{t(`device.customer.status.${r.status}`)}</ToneBadge> },
    { id: 'by', header: t('station.command.actor'), cell: (r) => r.asked_by || NONE },
    { id: 'at', header: t('device.log.askedAt'), cell: (r) => <Ago at={r.asked_at} /> },
    {
      id: 'show',
      header: '',
      width: 150,
      cell: (r) =>
        r.status === 'complete' ? (
          <Button size="compact-xs" variant="light" loading={reveal.busy} onClick={() => void reveal.run(r.id).catch(() => undefined)}>
            {t('device.customer.reveal')}
          </Button>
        ) : null,
    },
  ]
  return (
    <>
      <ProblemAlert problem={reveal.problem} />
      {reveal.result && (
        <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />} title={t('device.customer.once')} withCloseButton onClose={reveal.reset}>
          <Json value={reveal.result.data} />
        </Alert>
      )}
      {list.rows.length > 0 && <DataTable label={t('device.customer.title')} rows={list.rows} columns={columns} rowKey={(r) => String(r.id)} hasMore={list.hasMore} more={list.more} moreByHand />}
    </>
  )
}
