import { Button } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useList, useMay, type KnockingStation } from '../../../api'
import { Ago, Empty, IconUnlink, ListView, NONE, Page, Panel, ToneBadge, useFormat, useLocalListState, type Column } from '../../../design'
import { AddStationDialog } from './AddStationDialog'

export function KnockingPage() {
  const { t } = useTranslation()
  const state = useLocalListState('-last_at')
  const list = useList<KnockingStation>('/knocking-stations', state.params, { refetchInterval: 10_000 })
  const [adopting, setAdopting] = useState<string>()
  return (
    <Page
      title={t('station.knocking.title')}
      subtitle={t('station.knocking.hint')}
      crumbs={[
        <Link key="stations" to="/stations" className="quiet">
          {t('station.list.title')}
        </Link>,
      ]}
    >
      <Panel flush>
        <ListView
          name="knocking"
          label={t('station.knocking.title')}
          list={list}
          state={state}
          columns={useColumns(setAdopting)}
          rowKey={(k) => `${k.id}/${k.reason}/${k.remote_addr}`}
          filters={[{ field: 'reason', label: t('station.knocking.reasonLabel'), kind: 'enum', options: REASONS.map((r) => ({ value: r, label: t(`station.knocking.reason.${r}`) })) }]}
          empty={
            <Empty icon={<IconUnlink size={22} aria-hidden />} title={t('station.knocking.empty')}>
              {t('station.knocking.emptyHint')}
            </Empty>
          }
        />
      </Panel>
      {adopting && <AddStationDialog id={adopting} onClose={() => setAdopting(undefined)} />}
    </Page>
  )
}

const REASONS = ['unknown', 'retired', 'tls_failed', 'tls_without_http', 'plain_on_tls', 'tls_on_plain'] as const

/** Connections that came to nothing before the station could say who it is. */
const FAILED = ['tls_failed', 'tls_without_http', 'plain_on_tls', 'tls_on_plain']

function Reason({ knock: k }: { knock: KnockingStation }) {
  const { t } = useTranslation()
  return (
    <ToneBadge tone={FAILED.includes(k.reason) ? 'bad' : 'wait'} title={k.detail}>
      {t(`station.knocking.reason.${k.reason}`, { defaultValue: k.reason })}
    </ToneBadge>
  )
}

function useColumns(adopt: (id: string) => void): Column<KnockingStation>[] {
  const { t } = useTranslation()
  const f = useFormat()
  const may = useMay('station.write')
  return [
    { id: 'id', sort: 'id', header: t('station.field.id'), card: 'lead', cell: (k) => (k.id ? <strong>{k.id}</strong> : <em>{t('station.knocking.nameless')}</em>) },
    { id: 'reason', sort: 'reason', header: t('station.knocking.reasonLabel'), cell: (k) => <Reason knock={k} /> },
    { id: 'last', sort: 'last_at', header: t('station.knocking.last'), cell: (k) => <Ago at={k.last_at} /> },
    { id: 'count', sort: 'count', header: t('station.knocking.count'), align: 'right', cell: (k) => f.number(k.count) },
    { id: 'from', sort: 'remote_addr', header: t('station.knocking.from'), cell: (k) => k.remote_addr || NONE },
    { id: 'protocols', header: t('station.field.protocol'), cell: (k) => k.protocols || NONE },
    { id: 'detail', header: t('station.knocking.detail'), cell: (k) => <span title={k.detail}>{k.detail || NONE}</span> },
    { id: 'agent', header: t('station.knocking.agent'), hidden: true, cell: (k) => k.user_agent || NONE },
    {
      id: 'adopt',
      header: t('station.knocking.action'),
      card: 'badge',
      cell: (k) =>
        // Who did not come as far as its name cannot be let in under one.
        may && k.id !== '' && (
          <Button size="xs" variant="light" onClick={() => adopt(k.id)}>
            {t('station.knocking.adopt')}
          </Button>
        ),
    },
  ]
}
