import { Button, Group, Modal, Stack } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { del, downloadUrl, useChange, useOne, type DeviceLog } from '../../../api'
import { Facts, Failed, IconDownload, Instant, Loading, useConfirm, useFormat } from '../../../design'
import { bytes } from '../bytes'
import { LogBadge } from '../firmware/state'
import { Steps } from '../Steps'

export const logContent = (id: string) => downloadUrl(`/logs/${encodeURIComponent(id)}/content`)

/** How one log came about, step by step, and its file. */
export function LogDialog({ log, mayDelete, onClose }: { log: DeviceLog; mayDelete: boolean; onClose: () => void }) {
  const { t } = useTranslation()
  const f = useFormat()
  const path = `/logs/${encodeURIComponent(log.id)}`
  const { data, problem, retry } = useOne<DeviceLog>(path, { refetchInterval: 3_000 })
  const remove = useChange(() => del(path), ['/charging-stations'])
  const confirm = useConfirm()
  const ask = () => confirm.ask({ title: t('device.log.delete'), text: t('device.log.deleteHint'), action: t('design.delete'), run: () => remove.run(undefined).then(onClose) })
  return (
    <Modal opened onClose={onClose} size="lg" title={t(`device.log.types.${log.type}`, { defaultValue: log.type })}>
      {problem && <Failed problem={problem} retry={retry} />}
      {!data && !problem && <Loading />}
      {data && (
        <Stack>
          <LogBadge state={data.state} />
          <Facts
            items={[
              [t('device.log.askedAt'), <Instant key="a" at={data.created_at} />],
              [t('device.firmware.ended'), data.finished_at && <Instant key="f" at={data.finished_at} />],
              [t('device.log.file'), data.name ?? data.told_name],
              [t('device.firmware.size'), data.size === undefined ? undefined : bytes(data.size, f.locale)],
              [t('device.log.place'), data.place],
              [t('device.template.why'), data.reason],
            ]}
          />
          <Steps steps={data.steps} />
          {confirm.dialog}
          <Group justify="space-between">
            {mayDelete ? (
              <Button variant="subtle" color="red" onClick={ask}>
                {t('device.log.delete')}
              </Button>
            ) : (
              <span />
            )}
            {data.size !== undefined && (
              <Button component="a" href={logContent(data.id)} leftSection={<IconDownload size={16} aria-hidden />}>
                {t('device.download')}
              </Button>
            )}
          </Group>
        </Stack>
      )}
    </Modal>
  )
}
