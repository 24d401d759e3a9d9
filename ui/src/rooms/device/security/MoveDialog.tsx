import { Accordion, ActionIcon, Button, Checkbox, Group, Modal, NumberInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, post, stationPath, STATIONS, useChange, type Upgrade } from '../../../api'
import { IconPlus, IconTrash, ProblemAlert } from '../../../design'

interface Props {
  station: string
  protocol?: string
  choices: number[]
  onClose: () => void
}

interface Key {
  key: string
  value: string
}

/** OCPPInterfaceEnum of 2.x; 2.1 adds Any. */
const INTERFACES = ['Wired0', 'Wired1', 'Wired2', 'Wired3', 'Wireless0', 'Wireless1', 'Wireless2', 'Wireless3', 'Any']

export function MoveDialog({ station, protocol, choices, onClose }: Props) {
  const { t } = useTranslation()
  const [profile, setProfile] = useState(String(choices[0] ?? 2))
  const [password, setPassword] = useState(false)
  const [link, setLink] = useState<string | null>(null)
  const [slot, setSlot] = useState<number | ''>('')
  const [keys, setKeys] = useState<Key[]>([])
  const move = useChange((body: object) => post<Upgrade>(`${stationPath(station)}/security-profile`, body), [stationPath(station), STATIONS])
  const errors = move.problem ? fieldErrors(move.problem) : {}
  const old = protocol === '1.6'
  const submit = (e: FormEvent) => {
    e.preventDefault()
    const body: Record<string, unknown> = { profile: Number(profile) }
    if (password) body.rotate_password = true
    if (!old && link) body.interface = link
    if (!old && slot !== '') body.slot = slot
    const named = keys.filter((k) => k.key.trim() !== '')
    if (old && named.length > 0) body.configuration = named
    move.run(body).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={t('security.moveTitle', { station })} size="lg">
      <form onSubmit={submit}>
        <Stack>
          <Text size="sm">{t('security.moveHint')}</Text>
          <Select
            label={t('security.wanted')}
            data={choices.map((p) => ({ value: String(p), label: t(`station.profile.${p}`) }))}
            value={profile}
            onChange={(v) => setProfile(v ?? profile)}
            allowDeselect={false}
            error={errors.profile}
          />
          {profile === '3' && (
            <Text size="sm" c="dimmed">
              {t('security.certificateHint')}
            </Text>
          )}
          <Checkbox label={t('security.passwordToo')} description={t('security.passwordTooHint')} checked={password} onChange={(e) => setPassword(e.currentTarget.checked)} />
          <Accordion variant="separated">
            <Accordion.Item value="more">
              <Accordion.Control>{t('security.options')}</Accordion.Control>
              <Accordion.Panel>
                {old ? (
                  <Keys keys={keys} set={setKeys} />
                ) : (
                  <Group grow align="flex-start">
                    <Select label={t('security.interface')} description={t('security.interfaceHint')} data={INTERFACES} value={link} onChange={setLink} clearable error={errors.interface} />
                    <NumberInput
                      label={t('security.slot')}
                      description={t('security.slotHint')}
                      value={slot}
                      onChange={(v) => setSlot(typeof v === 'number' ? v : '')}
                      min={0}
                      allowDecimal={false}
                      error={errors.slot}
                    />
                  </Group>
                )}
              </Accordion.Panel>
            </Accordion.Item>
          </Accordion>
          <ProblemAlert problem={move.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={move.busy} data-testid="move-confirm">
              {t('security.moveTo', { to: profile })}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

/** Keys of the maker's own, such as the address of the platform, that 1.6 has no standard name for. */
function Keys({ keys, set }: { keys: Key[]; set: (k: Key[]) => void }) {
  const { t } = useTranslation()
  const change = (i: number, more: Partial<Key>) => set(keys.map((k, at) => (at === i ? { ...k, ...more } : k)))
  return (
    <Stack gap={8}>
      <Text size="sm" c="dimmed">
        {t('security.keysHint')}
      </Text>
      {keys.map((k, i) => (
        <Group key={i} gap={8} wrap="nowrap">
          <TextInput aria-label={t('security.key')} placeholder={t('security.key')} value={k.key} onChange={(e) => change(i, { key: e.currentTarget.value })} style={{ flex: 1 }} />
          <TextInput aria-label={t('device.field.value')} placeholder={t('device.field.value')} value={k.value} onChange={(e) => change(i, { value: e.currentTarget.value })} style={{ flex: 1 }} />
          <ActionIcon variant="subtle" color="gray" aria-label={t('security.removeKey')} onClick={() => set(keys.filter((_, at) => at !== i))}>
            <IconTrash size={16} aria-hidden />
          </ActionIcon>
        </Group>
      ))}
      <Group>
        <Button size="xs" variant="default" leftSection={<IconPlus size={15} aria-hidden />} onClick={() => set([...keys, { key: '', value: '' }])}>
          {t('security.addKey')}
        </Button>
      </Group>
    </Stack>
  )
}
