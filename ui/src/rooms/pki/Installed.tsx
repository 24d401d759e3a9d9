import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, query, stationPath, useChange, useMay, useOne, type InstalledCertificate, type StationCertificates } from '../../api'
import { Ago, DataTable, Failed, IconPlus, IconRefresh, Loading, NONE, Panel, ProblemAlert, Quiet, ToneBadge, type Column, type Tone } from '../../design'
import css from './pki.module.css'
import { RootDialog } from './RootDialog'

type RootState = StationCertificates['roots'][number]

const ROOT_TONES: Record<RootState['status'], Tone> = { installed: 'good', rejected: 'bad', failed: 'bad', unsupported: 'idle' }

/** What is in the station's own store: the roots it trusts, and what it was to get. */
export function Installed({ station, online }: { station: string; online: boolean }) {
  const { t } = useTranslation()
  const path = `${stationPath(station)}/installed-certificates`
  const { data, loading, problem, retry } = useOne<StationCertificates>(path, { refetchInterval: 30_000 })
  const [installing, setInstalling] = useState(false)
  const [deleting, setDeleting] = useState<InstalledCertificate>()
  const may = useMay('certificate.write')
  const refresh = useChange(() => post<StationCertificates>(`${path}/refresh`), [path])
  const actions = may && (
    <>
      <Button
        size="xs"
        variant="default"
        disabled={!online}
        leftSection={<IconRefresh size={15} aria-hidden />}
        loading={refresh.busy}
        onClick={() => void refresh.run(undefined).catch(() => undefined)}
      >
        {t('pki.readAgain')}
      </Button>
      <Button size="xs" disabled={!online} leftSection={<IconPlus size={15} aria-hidden />} onClick={() => setInstalling(true)}>
        {t('pki.install')}
      </Button>
    </>
  )
  return (
    <Panel title={t('pki.installed')} flush actions={actions}>
      <p className={css.under}>
        {t('pki.installedHint')}
        {data?.read_at && (
          <>
            {' '}
            {t('pki.readAt')} <Ago at={data.read_at} />.
          </>
        )}
      </p>
      <ProblemAlert problem={refresh.problem} />
      {problem && <Failed problem={problem} retry={retry} />}
      {!problem && loading && <Loading />}
      {data && <Store data={data} remove={may && online ? setDeleting : undefined} />}
      {installing && <RootDialog station={station} onClose={() => setInstalling(false)} />}
      {deleting && <DeleteDialog path={path} certificate={deleting} onClose={() => setDeleting(undefined)} />}
    </Panel>
  )
}

function Store({ data, remove }: { data: StationCertificates; remove?: (c: InstalledCertificate) => void }) {
  const { t } = useTranslation()
  const purpose = (p: string) => t(`pki.purpose.${p}`, { defaultValue: p })
  const columns: Column<InstalledCertificate>[] = [
    { id: 'subject', header: t('pki.field.subject'), card: 'lead', cell: (c) => <span title={c.subject}>{c.subject || t('pki.unknownSubject')}</span> },
    { id: 'type', header: t('pki.field.purpose'), cell: (c) => purpose(c.type) },
    { id: 'serial', header: t('pki.field.serial'), cell: (c) => <code title={c.serial_number}>{c.serial_number.length > 20 ? `${c.serial_number.slice(0, 20)}…` : c.serial_number}</code> },
    { id: 'reported', header: t('pki.field.reported'), cell: (c) => <Ago at={c.reported_at} /> },
  ]
  if (remove) {
    columns.push({
      id: 'change',
      header: t('pki.field.actions'),
      cell: (c) => (
        <Button size="compact-xs" variant="default" onClick={() => remove(c)}>
          {t('pki.delete')}
        </Button>
      ),
    })
  }
  const roots: Column<RootState>[] = [
    { id: 'fingerprint', header: t('pki.field.fingerprint'), card: 'lead', cell: (r) => <code title={r.fingerprint_sha256}>{r.fingerprint_sha256.slice(0, 16)}…</code> },
    { id: 'purpose', header: t('pki.field.purpose'), cell: (r) => purpose(r.purpose) },
    { id: 'status', header: t('station.field.status'), card: 'badge', cell: (r) => <ToneBadge tone={ROOT_TONES[r.status]}>{t(`pki.root.${r.status}`)}</ToneBadge> },
    { id: 'detail', header: t('pki.field.detail'), cell: (r) => <span title={r.detail}>{r.detail || NONE}</span> },
    { id: 'tried', header: t('pki.field.tried'), cell: (r) => <Ago at={r.tried_at} /> },
  ]
  return (
    <>
      {data.detail && (
        <Text size="sm" c="dimmed" px={18} pb={12}>
          {data.detail}
        </Text>
      )}
      <DataTable
        label={t('pki.installed')}
        rows={data.installed}
        columns={columns}
        rowKey={(c) => c.ref}
        empty={
          <Quiet>
            {data.read_at ? t('pki.nothingInstalled') : t('pki.neverRead')}. {!data.read_at && t('pki.neverReadHint')}
          </Quiet>
        }
      />
      {data.roots.length > 0 && (
        <>
          <h3 className={css.sub}>{t('pki.wantedRoots')}</h3>
          <DataTable label={t('pki.wantedRoots')} rows={data.roots} columns={roots} rowKey={(r) => `${r.fingerprint_sha256}/${r.purpose}`} />
        </>
      )}
    </>
  )
}

function DeleteDialog({ path, certificate: c, onClose }: { path: string; certificate: InstalledCertificate; onClose: () => void }) {
  const { t } = useTranslation()
  const remove = useChange(() => del<StationCertificates>(path + query({ ref: c.ref })), [path])
  return (
    <Modal opened onClose={onClose} title={t('pki.deleteTitle')}>
      <Stack>
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {c.subject || c.serial_number}
        </Text>
        <Text size="sm">{t('pki.deleteHint')}</Text>
        <ProblemAlert problem={remove.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button color="red" loading={remove.busy} onClick={() => void remove.run(undefined).then(onClose, () => undefined)}>
            {t('pki.delete')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
