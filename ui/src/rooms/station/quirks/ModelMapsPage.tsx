import { Button, Group, Modal, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, useChange, useList, useMay, type ModelMap } from '../../../api'
import { Ago, Empty, IconPlug, IconPlus, ListView, NONE, Page, Panel, ProblemAlert, useLocalListState, type Column } from '../../../design'
import { MapDialog } from './MapDialog'
import { describe, layoutOf } from './places'

/** Which connectors are one port, by model: for every 1.6 station without a map of its own. */
export function ModelMapsPage() {
  const { t } = useTranslation()
  const state = useLocalListState('vendor')
  const list = useList<ModelMap>('/connector-maps', state.params)
  const [editing, setEditing] = useState<ModelMap | 'new'>()
  const [removing, setRemoving] = useState<ModelMap>()
  const may = useMay('station.write')
  const old = editing === 'new' ? undefined : editing
  const add = may && (
    <Button leftSection={<IconPlus size={16} aria-hidden />} onClick={() => setEditing('new')}>
      {t('quirk.addMap')}
    </Button>
  )
  return (
    <Page
      title={t('quirk.modelMaps')}
      subtitle={t('quirk.modelMapsHint')}
      crumbs={[
        <Link key="stations" to="/stations" className="quiet">
          {t('station.list.title')}
        </Link>,
      ]}
      actions={add}
    >
      <Panel flush>
        <ListView
          name="connector-maps"
          label={t('quirk.modelMaps')}
          list={list}
          state={state}
          columns={useColumns(may, setEditing, setRemoving)}
          filters={[
            { field: 'vendor', label: t('station.field.vendor'), kind: 'text' },
            { field: 'model', label: t('station.field.model'), kind: 'text' },
          ]}
          rowKey={(m) => m.id}
          empty={
            <Empty icon={<IconPlug size={22} aria-hidden />} title={t('quirk.noMaps')}>
              {t('quirk.noMapsHint')}
            </Empty>
          }
        />
      </Panel>
      {editing && (
        <MapDialog title={t('quirk.addMap')} initial={layoutOf(old?.places ?? [], 2)} vendor={old?.vendor} model={old?.model} note={old?.note} onClose={() => setEditing(undefined)} />
      )}
      {removing && <RemoveDialog map={removing} onClose={() => setRemoving(undefined)} />}
    </Page>
  )
}

function useColumns(may: boolean, edit: (m: ModelMap) => void, remove: (m: ModelMap) => void): Column<ModelMap>[] {
  const { t } = useTranslation()
  const columns: Column<ModelMap>[] = [
    { id: 'vendor', header: t('station.field.vendor'), sort: 'vendor', card: 'lead', cell: (m) => <strong>{m.vendor}</strong> },
    { id: 'model', header: t('station.field.model'), sort: 'model', cell: (m) => m.model },
    { id: 'map', header: t('quirk.portsAndConnectors'), cell: (m) => describe(m.places) },
    { id: 'note', header: t('quirk.note'), cell: (m) => <span title={m.note}>{m.note || NONE}</span> },
    { id: 'created', header: t('station.field.created'), sort: 'created_at', cell: (m) => <Ago at={m.created_at} /> },
  ]
  if (may) {
    columns.push({
      id: 'change',
      header: t('access.change'),
      cell: (m) => (
        <Group gap={6} wrap="nowrap">
          <Button size="compact-xs" variant="default" onClick={() => edit(m)}>
            {t('design.edit')}
          </Button>
          <Button size="compact-xs" variant="default" onClick={() => remove(m)}>
            {t('quirk.forget')}
          </Button>
        </Group>
      ),
    })
  }
  return columns
}

function RemoveDialog({ map, onClose }: { map: ModelMap; onClose: () => void }) {
  const { t } = useTranslation()
  const remove = useChange(() => del(`/connector-maps/${encodeURIComponent(map.id)}`), ['/connector-maps', '/charging-stations'])
  return (
    <Modal opened onClose={onClose} title={t('quirk.forgetTitle', { name: `${map.vendor} ${map.model}` })}>
      <Stack>
        <Text size="sm">{t('quirk.forgetHint')}</Text>
        <ProblemAlert problem={remove.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button color="red" loading={remove.busy} onClick={() => void remove.run(undefined).then(onClose, () => undefined)}>
            {t('quirk.forget')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
