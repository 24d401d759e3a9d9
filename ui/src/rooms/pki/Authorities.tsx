import { Button } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useList, type Authority } from '../../api'
import { CopyButton, download, Empty, IconCertificate, IconDownload, ListView, Panel, ToneBadge, useLocalListState, type Column } from '../../design'
import css from './pki.module.css'
import { pemName } from './pem'
import { Expiry } from './status'

/** Who signs here. Their roots go into stations and into whatever checks them. */
export function Authorities() {
  const { t } = useTranslation()
  const state = useLocalListState('')
  const list = useList<Authority>('/certificate-authorities', state.params)
  const columns: Column<Authority>[] = [
    { id: 'subject', header: t('pki.field.subject'), sort: 'subject', card: 'lead', cell: (a) => <strong title={a.subject}>{a.subject}</strong> },
    { id: 'kind', header: t('pki.field.kind'), sort: 'kind', cell: (a) => t(`pki.kind.${a.kind}`) },
    {
      id: 'signs',
      header: t('station.field.status'),
      card: 'badge',
      cell: (a) => <ToneBadge tone={a.signs ? 'good' : 'idle'}>{a.signs ? t('pki.signs') : t('pki.trustedOnly')}</ToneBadge>,
    },
    { id: 'algorithm', header: t('pki.field.key'), sort: 'algorithm', cell: (a) => a.algorithm.toUpperCase() },
    { id: 'ends', header: t('pki.field.ends'), sort: 'not_after', cell: (a) => <Expiry at={a.not_after} /> },
    { id: 'serial', header: t('pki.field.serial'), hidden: true, cell: (a) => <code>{a.serial_number}</code> },
    {
      id: 'fingerprint',
      header: t('pki.field.fingerprint'),
      card: 'no',
      cell: (a) => (
        <span className={css.print}>
          <code title={a.fingerprint_sha256}>{a.fingerprint_sha256.slice(0, 16)}…</code>
          <CopyButton value={a.fingerprint_sha256} />
        </span>
      ),
    },
    {
      id: 'download',
      header: t('pki.field.certificate'),
      cell: (a) => (
        <Button
          size="compact-xs"
          variant="default"
          leftSection={<IconDownload size={14} aria-hidden />}
          onClick={() => download(pemName(a.subject), a.certificate, 'application/x-pem-file')}
          data-testid={`download-${a.kind}`}
        >
          PEM
        </Button>
      ),
    },
  ]
  return (
    <Panel flush>
      <p className={css.note}>{t('pki.authoritiesHint')}</p>
      <ListView
        name="authorities"
        label={t('pki.authorities')}
        list={list}
        state={state}
        columns={columns}
        rowKey={(a) => a.id}
        empty={
          <Empty icon={<IconCertificate size={22} aria-hidden />} title={t('pki.noAuthorities')}>
            {t('pki.noAuthoritiesHint')}
          </Empty>
        }
      />
    </Panel>
  )
}
