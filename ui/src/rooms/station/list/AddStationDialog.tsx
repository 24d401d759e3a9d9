import { Alert, Button, Checkbox, Group, Modal, PasswordInput, Select, Stack, Text, TextInput } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, post, STATIONS, useChange, type Station } from '../../../api'
import { CopyField, IconAlert, ProblemAlert } from '../../../design'
import { SiteSelect } from '../../location'

interface Props {
  onClose: () => void
  /** Set when a station that knocked is adopted: its name is then not ours to choose. */
  id?: string
}

interface Body {
  id: string
  site?: string
  security_profile: number
  active: boolean
  password?: string
}

export function AddStationDialog({ onClose, id }: Props) {
  const { t } = useTranslation()
  const create = useChange((body: Body) => post<Station>(id ? `/knocking-stations/${encodeURIComponent(id)}/adopt` : STATIONS, id ? { ...body, id: undefined } : body), [STATIONS, '/knocking-stations'])
  return (
    <Modal opened onClose={onClose} title={create.result ? t('station.add.done') : t('station.add.title')} size="lg">
      {create.result ? (
        <Credentials station={create.result} onClose={onClose} />
      ) : (
        <Form create={create} fixedId={id} onClose={onClose} />
      )}
    </Modal>
  )
}

interface FormProps {
  create: ReturnType<typeof useChange<Body, Station>>
  fixedId?: string
  onClose: () => void
}

function Form({ create, fixedId, onClose }: FormProps) {
  const { t } = useTranslation()
  const [id, setId] = useState(fixedId ?? '')
  const [site, setSite] = useState<string | null>(null)
  const [profile, setProfile] = useState('1')
  const [active, setActive] = useState(true)
  const [password, setPassword] = useState('')
  const errors = create.problem ? fieldErrors(create.problem) : {}
  const submit = (e: FormEvent) => {
    e.preventDefault()
    const body: Body = { id: id.trim(), security_profile: Number(profile), active }
    if (site) body.site = site
    if (password && (profile === '1' || profile === '2')) body.password = password
    create.run(body).catch(() => undefined)
  }
  return (
    <form onSubmit={submit}>
      <Stack>
        <TextInput
          label={t('station.field.id')}
          description={t('station.add.idHint')}
          value={id}
          onChange={(e) => setId(e.currentTarget.value)}
          error={errors.id}
          readOnly={fixedId !== undefined}
          required
          maxLength={48}
          pattern="[A-Za-z0-9*_=:+\|@.\-]+"
          data-autofocus
        />
        <SiteSelect value={site} onChange={setSite} error={errors.site} clearable />
        <Select
          label={t('station.field.profile')}
          data={['0', '1', '2', '3'].map((v) => ({ value: v, label: t(`station.profile.${v}`) }))}
          value={profile}
          onChange={(v) => setProfile(v ?? '1')}
          allowDeselect={false}
          error={errors.security_profile}
        />
        {profile !== '0' && profile !== '3' && (
          <PasswordInput
            label={t('station.add.password')}
            description={t('station.add.passwordHint')}
            value={password}
            onChange={(e) => setPassword(e.currentTarget.value)}
            error={errors.password}
            autoComplete="off"
          />
        )}
        <Checkbox
          label={t('station.add.active')}
          description={t('station.add.activeHint')}
          checked={active}
          onChange={(e) => setActive(e.currentTarget.checked)}
        />
        <ProblemAlert problem={create.problem} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('design.cancel')}
          </Button>
          <Button type="submit" loading={create.busy}>
            {t('station.add.button')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

/** What has to be typed into the station. The password is shown this once: the server keeps only its hash. */
function Credentials({ station, onClose }: { station: Station; onClose: () => void }) {
  const { t } = useTranslation()
  return (
    <Stack>
      <Text size="sm">{t('station.add.doneHint', { id: station.id })}</Text>
      {station.url && <CopyField label={t('station.add.url')} value={station.url} />}
      <CopyField label={t('station.add.user')} value={station.id} />
      {station.password && (
        <>
          <CopyField label={t('station.add.password')} value={station.password} />
          <Alert color="yellow" variant="light" icon={<IconAlert size={18} aria-hidden />}>
            {t('station.add.once')}
          </Alert>
        </>
      )}
      <Group justify="flex-end">
        <Button variant="default" component={Link} to={`/stations/${encodeURIComponent(station.id)}`}>
          {t('station.add.open')}
        </Button>
        <Button onClick={onClose}>{t('design.done')}</Button>
      </Group>
    </Stack>
  )
}
