import { Autocomplete, Button, Group, Modal, SimpleGrid, Stack, TextInput } from '@mantine/core'
import { useState, type FormEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { fieldErrors, patch, post, useChange, useMe, type Site } from '../../api'
import { browserZone, ProblemAlert } from '../../design'
import { bodyOf, emptyForm, formOf, type SiteForm } from './form'

/** Creates a site, or changes the given one. */
export function SiteDialog({ site, onClose }: { site?: Site; onClose: () => void }) {
  const { t } = useTranslation()
  const organisation = useMe().me?.organisation
  const [form, setForm] = useState<SiteForm>(() =>
    site ? formOf(site) : { ...emptyForm, time_zone: organisation?.time_zone || browserZone(), currency: organisation?.currency ?? '', country: organisation?.country ?? '' },
  )
  const save = useChange(
    (f: SiteForm) => (site ? patch<Site>(`/sites/${encodeURIComponent(site.id)}`, bodyOf(f)) : post<Site>('/sites', bodyOf(f))),
    ['/sites'],
  )
  const errors = save.problem ? fieldErrors(save.problem) : {}
  const field = (name: keyof SiteForm, o: object = {}) => ({
    label: t(`location.field.${name}`),
    value: form[name],
    error: errors[name],
    onChange: (e: { currentTarget: { value: string } }) => {
      const { value } = e.currentTarget
      setForm((old) => ({ ...old, [name]: value }))
    },
    ...o,
  })
  const submit = async (e: FormEvent) => {
    e.preventDefault()
    await save.run(form).then(onClose, () => undefined)
  }
  return (
    <Modal opened onClose={onClose} title={site ? t('location.edit', { name: site.name }) : t('location.add')} size="lg">
      <form onSubmit={(e) => void submit(e)}>
        <Stack>
          <TextInput {...field('name')} required data-autofocus />
          <TextInput {...field('street')} />
          <SimpleGrid cols={{ base: 1, xs: 3 }}>
            <TextInput {...field('postal_code')} />
            <TextInput {...field('city')} />
            <TextInput {...field('country')} placeholder="DE" maxLength={3} />
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <TextInput {...field('latitude')} placeholder="52.520008" inputMode="decimal" pattern="-?\d{1,2}(\.\d+)?" />
            <TextInput {...field('longitude')} placeholder="13.404954" inputMode="decimal" pattern="-?\d{1,3}(\.\d+)?" />
          </SimpleGrid>
          <SimpleGrid cols={{ base: 1, xs: 2 }}>
            <Autocomplete
              label={t('location.field.time_zone')}
              description={t('location.zoneHint')}
              data={zones()}
              value={form.time_zone}
              onChange={(v) => setForm((old) => ({ ...old, time_zone: v }))}
              error={errors.time_zone}
              limit={30}
              required
            />
            <TextInput {...field('currency')} description={t('location.currencyHint')} placeholder="EUR" maxLength={3} />
          </SimpleGrid>
          <ProblemAlert problem={save.problem} />
          <Group justify="flex-end">
            <Button variant="default" onClick={onClose}>
              {t('design.cancel')}
            </Button>
            <Button type="submit" loading={save.busy}>
              {t('design.save')}
            </Button>
          </Group>
        </Stack>
      </form>
    </Modal>
  )
}

function zones(): string[] {
  return typeof Intl.supportedValuesOf === 'function' ? Intl.supportedValuesOf('timeZone') : []
}
