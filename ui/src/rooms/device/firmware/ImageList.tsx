import { ActionIcon, Group } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { del, downloadUrl, useChange, useList, useMay, type FirmwareImage } from '../../../api'
import { Empty, IconCpu, IconDownload, IconX, Instant, ListView, NONE, Panel, ToneBadge, useConfirm, useFormat, useUrlListState, type Column, type FilterDef } from '../../../design'
import { bytes } from '../bytes'
import { AddImageButton } from './ImageDialog'

const PATH = '/firmware-images'

export function ImageList() {
  const { t } = useTranslation()
  const state = useUrlListState('-created_at')
  const list = useList<FirmwareImage>(PATH, state.params)
  const may = useMay('firmware.write')
  const remove = useChange((id: string) => del(`${PATH}/${encodeURIComponent(id)}`), [PATH])
  const confirm = useConfirm()
  const ask = (x: FirmwareImage) =>
    confirm.ask({ title: t('device.firmware.delete', { version: x.version }), text: t('device.firmware.deleteHint'), action: t('design.delete'), run: () => remove.run(x.id) })
  const filters: FilterDef[] = [
    { field: 'vendor', label: t('station.field.vendor'), kind: 'text' },
    { field: 'model', label: t('station.field.model'), kind: 'text' },
    { field: 'created_at', label: t('device.firmware.added'), kind: 'time' },
  ]
  return (
    <Panel flush>
      {confirm.dialog}
      <ListView
        name="firmware-images"
        label={t('device.firmware.tab.images')}
        list={list}
        state={state}
        columns={useColumns(may ? ask : undefined)}
        filters={filters}
        search={{ param: 'version[contains]', placeholder: t('device.firmware.searchImage') }}
        rowKey={(x) => x.id}
        empty={
          <Empty icon={<IconCpu size={22} aria-hidden />} title={t('device.firmware.noImages')} action={<AddImageButton />}>
            {t('device.firmware.noImagesHint')}
          </Empty>
        }
      />
    </Panel>
  )
}

function useColumns(remove?: (x: FirmwareImage) => void): Column<FirmwareImage>[] {
  const { t } = useTranslation()
  const f = useFormat()
  return [
    { id: 'version', header: t('device.firmware.version'), sort: 'version', card: 'lead', cell: (x) => <strong title={x.notes}>{x.version}</strong> },
    { id: 'ready', header: t('device.field.status'), card: 'badge', width: 170, cell: (x) => <ToneBadge tone={x.ready ? 'good' : 'wait'}>{x.ready ? t('device.firmware.ready') : t('device.firmware.noContent')}</ToneBadge> },
    { id: 'vendor', header: t('station.field.vendor'), sort: 'vendor', cell: (x) => x.vendor || '*' },
    { id: 'model', header: t('station.field.model'), sort: 'model', cell: (x) => x.model || '*' },
    { id: 'size', header: t('device.firmware.size'), align: 'right', width: 110, cell: (x) => (x.url ? <span title={x.url}>{t('device.firmware.elsewhere')}</span> : bytes(x.size, f.locale)) },
    { id: 'signed', header: t('device.firmware.signature'), width: 180, cell: (x) => (x.signed ? <ToneBadge tone={x.signature_scheme ? 'good' : 'wait'} title={x.signature_scheme}>{x.signature_scheme ? t('device.firmware.verified') : t('device.firmware.unchecked')}</ToneBadge> : t('device.firmware.unsigned')) },
    { id: 'sha256', header: 'SHA-256', hidden: true, cell: (x) => <code title={x.sha256}>{x.sha256?.slice(0, 16) ?? NONE}</code> },
    { id: 'created', header: t('device.firmware.added'), sort: 'created_at', width: 150, cell: (x) => <Instant at={x.created_at} form="date" /> },
    {
      id: 'do',
      header: '',
      width: 90,
      cell: (x) => (
        <Group gap={2} wrap="nowrap">
          {x.ready && !x.url && (
            <ActionIcon component="a" href={downloadUrl(`${PATH}/${encodeURIComponent(x.id)}/content`)} variant="subtle" color="gray" size="sm" aria-label={t('device.firmware.download', { version: x.version })} title={t('device.firmware.download', { version: x.version })}>
              <IconDownload size={15} aria-hidden />
            </ActionIcon>
          )}
          {remove && (
            <ActionIcon variant="subtle" color="gray" size="sm" aria-label={t('device.firmware.delete', { version: x.version })} title={t('device.firmware.delete', { version: x.version })} onClick={() => remove(x)}>
              <IconX size={15} aria-hidden />
            </ActionIcon>
          )}
        </Group>
      ),
    },
  ]
}
