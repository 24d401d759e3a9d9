import { Button, Group, Modal, Stack, Title } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, put, useChange, useMay, useOne, type DisplayMessage, type MessageDraft } from '../../../api'
import { ProblemAlert, ToneBadge, useConfirm, useFormat } from '../../../design'
import { blankDraft, draftOf } from './message'
import { MessageForm } from './MessageForm'
import { ShownList } from './ShownList'

const PATH = '/display-messages'

interface Props {
  message?: DisplayMessage
  /** A new one is for this station only. */
  station?: string
  onClose: () => void
}

/** A message to write or change, and how it stands at every station. */
export function MessageDialog({ message, station, onClose }: Props) {
  const { t } = useTranslation()
  const may = useMay('device.write')
  const [draft, setDraft] = useState<MessageDraft>(() => (message ? draftOf(message) : blankDraft(station)))
  const path = `${PATH}/${encodeURIComponent(message?.id ?? '')}`
  const changed = [PATH, '/display-message-states', '/charging-stations']
  const save = useChange((body: MessageDraft) => (message ? put<DisplayMessage>(path, body) : post<DisplayMessage>(PATH, body)), changed)
  const remove = useChange(() => del(path), changed)
  const confirm = useConfirm()
  const ask = () => confirm.ask({ title: t('device.display.delete'), text: t('device.display.deleteHint'), action: t('design.delete'), run: () => remove.run(undefined).then(onClose) })
  const body = draftOf(draft)
  const submit = (e: FormEvent) => {
    e.preventDefault()
    void save.run(body).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} size="xl" title={message ? t('device.display.edit') : t('device.display.add')}>
      {confirm.dialog}
      <form onSubmit={submit}>
        <Stack>
          <MessageForm draft={draft} onChange={setDraft} fixedPlace={message !== undefined || station !== undefined} readOnly={!may} />
          <ProblemAlert problem={save.problem} />
          <Group justify="space-between">
            {message && may ? (
              <Button variant="subtle" color="red" onClick={ask}>
                {t('device.display.delete')}
              </Button>
            ) : (
              <span />
            )}
            <Group>
              <Button variant="default" onClick={onClose}>
                {t('design.cancel')}
              </Button>
              {may && (
                <Button type="submit" loading={save.busy} disabled={(body.contents ?? []).length === 0} data-testid="message-save">
                  {t('design.save')}
                </Button>
              )}
            </Group>
          </Group>
          {message && !remove.busy && <Standing id={message.id} />}
        </Stack>
      </form>
    </Modal>
  )
}

function Standing({ id }: { id: string }) {
  const { t } = useTranslation()
  const f = useFormat()
  const { data } = useOne<DisplayMessage>(`${PATH}/${encodeURIComponent(id)}`, { refetchInterval: 5_000 })
  return (
    <section>
      <Group gap="xs" mb="xs">
        <Title order={3} size="h5">
          {t('device.display.atStations')}
        </Title>
        {data && (
          <>
            <ToneBadge tone="good">
              {t('device.display.shown.applied')}: {f.number(data.applied)}
            </ToneBadge>
            <ToneBadge tone="active">
              {t('device.display.shown.pending')}: {f.number(data.pending)}
            </ToneBadge>
            <ToneBadge tone="bad">
              {t('device.display.shown.failed')}: {f.number(data.failed)}
            </ToneBadge>
          </>
        )}
      </Group>
      <ShownList message={id} />
    </section>
  )
}
