import { Alert, Button, Group, JsonInput, Modal, Stack, Text } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { post, put, useChange, useMay, useMe, type Tariff } from '../../api'
import { ProblemAlert } from '../../design'
import { Assignments } from './Assignments'
import { documentOf, parse, template } from './document'

/** A tariff as its OCPI 2.2.1 JSON, with what it means in words. */
export function TariffDialog({ tariff, onClose }: { tariff?: Tariff; onClose: () => void }) {
  const { t } = useTranslation()
  const me = useMe().me
  const may = useMay('tariff.write')
  const [text, setText] = useState(() => documentOf(tariff) ?? template(me?.organisation.currency ?? 'EUR', me?.organisation.country))
  const save = useChange(
    (body: unknown) => (tariff ? put<Tariff>(`/tariffs/${encodeURIComponent(tariff.id ?? '')}`, body) : post<Tariff>('/tariffs', body)),
    ['/tariffs'],
  )
  const body = parse(text)
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    await save.run(body).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={tariff ? t('tariff.edit', { id: tariff.id ?? '' }) : t('tariff.add')} size="xl">
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          {tariff?.summary && <Alert variant="light">{tariff.summary}</Alert>}
          <Text size="sm" c="dimmed">
            {t('tariff.jsonHint')}
          </Text>
          <JsonInput
            aria-label={t('tariff.json')}
            value={text}
            onChange={setText}
            error={body === undefined ? t('design.badJson') : undefined}
            readOnly={!may}
            formatOnBlur
            autosize
            minRows={12}
            maxRows={16}
            spellCheck={false}
            styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
          />
          {tariff?.id && <Assignments tariff={tariff.id} />}
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            {may && (
              <Button type="submit" loading={save.busy} disabled={body === undefined}>
                {t('design.save')}
              </Button>
            )}
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}
