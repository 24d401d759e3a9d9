import { ActionIcon, Button, Menu } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { post, useChange, useList, useMay, type Certificate } from '../../api'
import {
  Ago,
  download,
  Empty,
  IconCertificate,
  IconDots,
  ListView,
  NONE,
  ProblemAlert,
  Quiet,
  useLocalListState,
  useNow,
  useUrlListState,
  type Column,
  type FilterDef,
  type ListState,
} from '../../design'
import { pemName } from './pem'
import { RevokeDialog } from './RevokeDialog'
import { StationCell } from './StationCell'
import { CERTIFICATE_STATUSES, CertificateBadge, Expiry, soon, TYPES } from './status'

/** Certificates that were given to stations: to all of them, or to one. */
export function CertificateTable({ station }: { station?: string }) {
  const own = useLocalListState('-created_at')
  const shared = useUrlListState('-created_at')
  return <Certificates station={station} state={station === undefined ? shared : own} />
}

function Certificates({ station, state }: { station?: string; state: ListState }) {
  const { t } = useTranslation()
  const now = useNow()
  const params = station === undefined ? state.params : { ...state.params, station }
  const list = useList<Certificate>('/certificates', params, { refetchInterval: 30_000 })
  const [revoking, setRevoking] = useState<Certificate>()
  const renew = useChange((c: Certificate) => post<Certificate>(`/certificates/${encodeURIComponent(c.id)}/renew`), ['/certificate'])
  const only = state.params['not_after[lt]'] !== undefined
  return (
    <>
      <ProblemAlert problem={renew.problem} />
      <ListView
        name={station === undefined ? 'certificates' : 'station-certificates'}
        label={t('pki.certificates')}
        list={list}
        state={state}
        columns={useColumns(station === undefined, setRevoking, (c) => void renew.run(c).catch(() => undefined))}
        filters={useFilters(station === undefined)}
        rowKey={(c) => c.id}
        extra={
          station === undefined && (
            <Button
              variant={only ? 'light' : 'default'}
              aria-pressed={only}
              onClick={() => state.set({ 'not_after[lt]': only ? undefined : soon(now), sort: only ? undefined : 'not_after' })}
            >
              {t('pki.endingSoon')}
            </Button>
          )
        }
        empty={
          station === undefined ? (
            <Empty icon={<IconCertificate size={22} aria-hidden />} title={t('pki.none')}>
              {t('pki.noneHint')}
            </Empty>
          ) : (
            <Quiet>
              {t('pki.none')}. {t('pki.noneHint')}
            </Quiet>
          )
        }
      />
      {revoking && <RevokeDialog certificate={revoking} onClose={() => setRevoking(undefined)} />}
    </>
  )
}

function useColumns(all: boolean, revoke: (c: Certificate) => void, renew: (c: Certificate) => void): Column<Certificate>[] {
  const { t } = useTranslation()
  const may = useMay('certificate.write')
  const columns: Column<Certificate>[] = [
    { id: 'subject', header: t('pki.field.subject'), sort: 'subject', card: 'lead', cell: (c) => <span title={c.subject}>{c.subject}</span> },
    { id: 'status', header: t('station.field.status'), sort: 'status', card: 'badge', cell: (c) => <CertificateBadge of={c} /> },
    { id: 'ends', header: t('pki.field.ends'), sort: 'not_after', cell: (c) => (c.status === 'revoked' ? NONE : <Expiry at={c.not_after} />) },
    { id: 'type', header: t('pki.field.type'), sort: 'type', hidden: all, cell: (c) => (c.type ? t(`pki.type.${c.type}`, { defaultValue: c.type }) : t('pki.type.both')) },
    { id: 'key', header: t('pki.field.key'), sort: 'key_type', card: 'no', cell: (c) => c.key_type },
    { id: 'issuer', header: t('pki.field.issuer'), hidden: true, cell: (c) => <span title={c.issuer}>{c.issuer}</span> },
    { id: 'serial', header: t('pki.field.serial'), sort: 'serial_number', hidden: true, cell: (c) => <code>{c.serial_number}</code> },
    { id: 'fingerprint', header: t('pki.field.fingerprint'), hidden: true, cell: (c) => <code title={c.fingerprint_sha256}>{c.fingerprint_sha256.slice(0, 16)}…</code> },
    { id: 'created', header: t('pki.field.signed'), sort: 'created_at', cell: (c) => <Ago at={c.created_at} /> },
    { id: 'used', header: t('pki.field.used'), sort: 'first_used_at', hidden: true, cell: (c) => <Ago at={c.first_used_at} /> },
    { id: 'change', header: t('pki.field.actions'), width: 60, cell: (c) => <Actions certificate={c} may={may} revoke={revoke} renew={renew} /> },
  ]
  if (all) columns.splice(1, 0, { id: 'station', header: t('station.field.id'), sort: 'station', cell: (c) => <StationCell id={c.station} /> })
  return columns
}

interface ActionsProps {
  certificate: Certificate
  may: boolean
  revoke: (c: Certificate) => void
  renew: (c: Certificate) => void
}

function Actions({ certificate: c, may, revoke, renew }: ActionsProps) {
  const { t } = useTranslation()
  const over = c.status === 'revoked' || c.status === 'refused'
  return (
    <Menu position="bottom-end">
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={t('pki.actionsOf', { subject: c.subject })}>
          <IconDots size={17} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => download(pemName(c.subject), c.chain, 'application/x-pem-file')}>{t('pki.download')}</Menu.Item>
        {may && !over && <Menu.Item onClick={() => renew(c)}>{t('pki.renew')}</Menu.Item>}
        {may && c.status !== 'revoked' && (
          <Menu.Item color="red" onClick={() => revoke(c)}>
            {t('pki.revoke')}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  )
}

function useFilters(all: boolean): FilterDef[] {
  const { t } = useTranslation()
  const filters: FilterDef[] = [
    { field: 'status', label: t('station.field.status'), kind: 'enum', options: CERTIFICATE_STATUSES.map((s) => ({ value: s, label: t(`pki.status.${s}`) })) },
    { field: 'type', label: t('pki.field.type'), kind: 'enum', options: TYPES.map((s) => ({ value: s, label: t(`pki.type.${s}`) })) },
    { field: 'not_after', label: t('pki.field.ends'), kind: 'time' },
    { field: 'subject', label: t('pki.field.subject'), kind: 'text' },
    { field: 'serial_number', label: t('pki.field.serial'), kind: 'text' },
  ]
  return all ? [...filters, { field: 'station', label: t('station.field.id'), kind: 'text' }] : filters
}
