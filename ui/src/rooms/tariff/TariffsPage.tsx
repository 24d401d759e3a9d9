import { Button } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { useList, useMay, type Tariff } from '../../api'
import { Empty, IconPlus, IconTag, Instant, ListView, NONE, Page, Panel, TextButton, useUrlListState, type Column } from '../../design'
import { TariffDialog } from './TariffDialog'

export function TariffsPage() {
  const { t } = useTranslation()
  const state = useUrlListState('id')
  const list = useList<Tariff>('/tariffs', state.params)
  const [editing, setEditing] = useState<Tariff | 'new'>()
  const may = useMay('tariff.write')
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('tariff.add')}
    </Button>
  )
  return (
    <Page title={t('tariff.title')} subtitle={t('tariff.hint')} actions={add}>
      <Panel flush>
        <ListView
          name="tariffs"
          label={t('tariff.title')}
          list={list}
          state={state}
          columns={useColumns(setEditing)}
          rowKey={(x) => `${x.organisation}/${x.id}`}
          onOpen={setEditing}
          empty={
            <Empty icon={<IconTag size={22} aria-hidden />} title={t('tariff.empty')} action={add}>
              {t('tariff.emptyHint')}
            </Empty>
          }
        />
      </Panel>
      {editing && <TariffDialog tariff={editing === 'new' ? undefined : editing} onClose={() => setEditing(undefined)} />}
    </Page>
  )
}

function useColumns(open: (x: Tariff) => void): Column<Tariff>[] {
  const { t } = useTranslation()
  return [
    { id: 'id', header: t('tariff.field.id'), sort: 'id', card: 'lead', cell: (x) => <TextButton onClick={() => open(x)}>{x.id ?? NONE}</TextButton> },
    { id: 'summary', header: t('tariff.field.summary'), cell: (x) => <span title={x.summary}>{x.summary || NONE}</span> },
    { id: 'currency', header: t('tariff.field.currency'), sort: 'currency', cell: (x) => x.currency || NONE },
    { id: 'updated', header: t('tariff.field.updated'), sort: 'last_updated', cell: (x) => <Instant at={x.last_updated} form="date" /> },
  ]
}
