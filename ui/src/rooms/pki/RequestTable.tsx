import { Button, Group, Modal, Stack, Text, TextInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useList, useMay, type CertificateRequest } from '../../api'
import { Ago, Empty, IconCertificate, ListView, NONE, ProblemAlert, Quiet, useFormat, useLocalListState, type Column, type FilterDef } from '../../design'
import { StationCell } from './StationCell'
import { REQUEST_STATUSES, RequestBadge } from './status'

const path = (r: CertificateRequest, what: string) => `/certificate-requests/${encodeURIComponent(r.id)}/${what}`

/** What stations asked to have signed: what waits for a person comes first. */
export function RequestTable({ station }: { station?: string }) {
  const { t } = useTranslation()
  const state = useLocalListState('-received_at')
  const params = station === undefined ? state.params : { ...state.params, station }
  const list = useList<CertificateRequest>('/certificate-requests', params, { refetchInterval: 10_000 })
  const [rejecting, setRejecting] = useState<CertificateRequest>()
  const approve = useChange((r: CertificateRequest) => post<CertificateRequest>(path(r, 'approve')), ['/certificate'])
  const filters: FilterDef[] = [
    { field: 'status', label: t('station.field.status'), kind: 'enum', options: REQUEST_STATUSES.map((s) => ({ value: s, label: t(`pki.request.${s}`) })) },
    { field: 'received_at', label: t('pki.field.received'), kind: 'time' },
    ...(station === undefined ? [{ field: 'station', label: t('station.field.id'), kind: 'text' } satisfies FilterDef] : []),
  ]
  return (
    <>
      <ProblemAlert problem={approve.problem} />
      <ListView
        name={station === undefined ? 'certificate-requests' : 'station-certificate-requests'}
        label={t('pki.requests')}
        list={list}
        state={state}
        columns={useColumns(station === undefined, (r) => void approve.run(r).catch(() => undefined), setRejecting)}
        filters={filters}
        rowKey={(r) => r.id}
        empty={
          station === undefined ? (
            <Empty icon={<IconCertificate size={22} aria-hidden />} title={t('pki.noRequests')}>
              {t('pki.noRequestsHint')}
            </Empty>
          ) : (
            <Quiet>{t('pki.noRequests')}</Quiet>
          )
        }
      />
      {rejecting && <RejectDialog request={rejecting} onClose={() => setRejecting(undefined)} />}
    </>
  )
}

function useColumns(all: boolean, approve: (r: CertificateRequest) => void, reject: (r: CertificateRequest) => void): Column<CertificateRequest>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const may = useMay('certificate.write')
  const columns: Column<CertificateRequest>[] = [
    { id: 'subject', header: t('pki.field.subject'), sort: 'subject', card: 'lead', cell: (r) => <span title={r.csr}>{r.subject || NONE}</span> },
    { id: 'status', header: t('station.field.status'), sort: 'status', card: 'badge', cell: (r) => <RequestBadge of={r} /> },
    { id: 'type', header: t('pki.field.type'), hidden: true, cell: (r) => (r.type ? t(`pki.type.${r.type}`, { defaultValue: r.type }) : t('pki.type.both')) },
    { id: 'key', header: t('pki.field.key'), hidden: all, card: 'no', cell: (r) => r.key_type || NONE },
    { id: 'repeats', header: t('pki.field.repeats'), align: 'right', hidden: true, cell: (r) => f.number(r.repeats) },
    { id: 'received', header: t('pki.field.received'), sort: 'received_at', cell: (r) => <Ago at={r.received_at} /> },
    { id: 'detail', header: t('pki.field.detail'), cell: (r) => <span title={r.detail}>{r.detail || NONE}</span> },
  ]
  if (may) {
    columns.splice(2, 0, {
      id: 'decide',
      header: t('pki.field.decide'),
      cell: (r) =>
        r.status !== 'waiting' ? (
          NONE
        ) : (
          <Group gap={6} wrap="nowrap">
            <Button size="compact-xs" onClick={() => approve(r)}>
              {t('pki.approve')}
            </Button>
            <Button size="compact-xs" variant="default" onClick={() => reject(r)}>
              {t('pki.reject')}
            </Button>
          </Group>
        ),
    })
  }
  if (all) columns.splice(1, 0, { id: 'station', header: t('station.field.id'), sort: 'station', cell: (r) => <StationCell id={r.station} /> })
  return columns
}

function RejectDialog({ request, onClose }: { request: CertificateRequest; onClose: () => void }) {
  const { t } = useTranslation()
  const [why, setWhy] = useState('')
  const reject = useChange(() => post<CertificateRequest>(path(request, 'reject'), why.trim() ? { why: why.trim() } : {}), ['/certificate'])
  return (
    <Modal opened onClose={onClose} title={t('pki.rejectTitle', { station: request.station })}>
      <Stack>
        <Text size="sm">{t('pki.rejectHint')}</Text>
        <TextInput label={t('pki.why')} value={why} onChange={(e) => setWhy(e.currentTarget.value)} data-autofocus />
        <ProblemAlert problem={reject.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button color="red" loading={reject.busy} onClick={() => void reject.run(undefined).then(onClose, () => undefined)}>
            {t('pki.reject')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
