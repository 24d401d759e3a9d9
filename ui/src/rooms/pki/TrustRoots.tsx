import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, useChange, useList, useMay, useSites, type TrustRoot } from '../../api'
import { download, Empty, IconCertificate, IconPlus, ListView, Panel, ProblemAlert, ToneBadge, useLocalListState, type Column, type FilterDef } from '../../design'
import css from './pki.module.css'
import { pemName } from './pem'
import { PURPOSES, RootDialog } from './RootDialog'
import { StationCell } from './StationCell'
import { Expiry } from './status'

/** The roots that stations are to trust, or that vouch for stations, and for which stations each holds. */
export function TrustRoots() {
  const { t } = useTranslation()
  const state = useLocalListState('-created_at')
  const list = useList<TrustRoot>('/trust-roots', state.params)
  const [adding, setAdding] = useState(false)
  const [removing, setRemoving] = useState<TrustRoot>()
  const may = useMay('certificate.write')
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setAdding(true)} data-testid="add-root">
      {t('pki.addRoot')}
    </Button>
  )
  const filters: FilterDef[] = [
    { field: 'purpose', label: t('pki.field.purpose'), kind: 'enum', options: PURPOSES.map((p) => ({ value: p, label: t(`pki.purpose.${p}`) })) },
    { field: 'station', label: t('station.field.id'), kind: 'text' },
    { field: 'subject', label: t('pki.field.subject'), kind: 'text' },
    { field: 'not_after', label: t('pki.field.ends'), kind: 'time' },
  ]
  return (
    <Panel flush>
      <p className={css.note}>{t('pki.rootsHint')}</p>
      <ListView
        name="trust-roots"
        label={t('pki.roots')}
        list={list}
        state={state}
        columns={useColumns(may ? setRemoving : undefined)}
        filters={filters}
        rowKey={(r) => r.id}
        extra={add}
        empty={
          <Empty icon={<IconCertificate size={22} aria-hidden />} title={t('pki.noRoots')} action={add}>
            {t('pki.noRootsHint')}
          </Empty>
        }
      />
      {adding && <RootDialog onClose={() => setAdding(false)} />}
      {removing && <RemoveDialog root={removing} onClose={() => setRemoving(undefined)} />}
    </Panel>
  )
}

function useColumns(remove?: (r: TrustRoot) => void): Column<TrustRoot>[] {
  const { t } = useTranslation()
  const { byId } = useSites()
  const holds = (r: TrustRoot) => {
    if (r.station) return <StationCell id={r.station} />
    return r.site ? (byId.get(r.site)?.name ?? r.site) : t('pki.everywhere')
  }
  return [
    { id: 'subject', header: t('pki.field.subject'), sort: 'subject', card: 'lead', cell: (r) => <strong title={r.subject}>{r.subject}</strong> },
    { id: 'purpose', header: t('pki.field.purpose'), sort: 'purpose', cell: (r) => t(`pki.purpose.${r.purpose}`, { defaultValue: r.purpose }) },
    { id: 'holds', header: t('pki.field.holds'), cell: holds },
    {
      id: 'state',
      header: t('station.field.status'),
      sort: 'removed_at',
      card: 'badge',
      cell: (r) => <ToneBadge tone={r.removed_at ? 'idle' : 'good'}>{r.removed_at ? t('pki.withdrawn') : t('pki.inForce')}</ToneBadge>,
    },
    { id: 'ends', header: t('pki.field.ends'), sort: 'not_after', cell: (r) => <Expiry at={r.not_after} /> },
    { id: 'serial', header: t('pki.field.serial'), hidden: true, cell: (r) => <code>{r.serial_number}</code> },
    { id: 'fingerprint', header: t('pki.field.fingerprint'), hidden: true, cell: (r) => <code title={r.fingerprint_sha256}>{r.fingerprint_sha256.slice(0, 16)}…</code> },
    {
      id: 'change',
      header: t('pki.field.actions'),
      cell: (r) => (
        <Group gap={6} wrap="nowrap">
          <Button size="compact-xs" variant="default" onClick={() => download(pemName(r.subject), r.certificate, 'application/x-pem-file')}>
            PEM
          </Button>
          {remove && !r.removed_at && (
            <Button size="compact-xs" variant="default" onClick={() => remove(r)}>
              {t('pki.withdraw')}
            </Button>
          )}
        </Group>
      ),
    },
  ]
}

function RemoveDialog({ root, onClose }: { root: TrustRoot; onClose: () => void }) {
  const { t } = useTranslation()
  const remove = useChange(() => del(`/trust-roots/${encodeURIComponent(root.id)}`), ['/trust-roots', '/charging-stations'])
  return (
    <Modal opened onClose={onClose} title={t('pki.withdrawTitle')}>
      <Stack>
        <Text size="sm" fw={600} style={{ overflowWrap: 'anywhere' }}>
          {root.subject}
        </Text>
        <Text size="sm">{t('pki.withdrawHint')}</Text>
        <ProblemAlert problem={remove.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button color="red" loading={remove.busy} onClick={() => void remove.run(undefined).then(onClose, () => undefined)} data-testid="withdraw-confirm">
            {t('pki.withdraw')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
