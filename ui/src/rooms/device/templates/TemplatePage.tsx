import { Alert, Button, Group } from '@mantine/core'
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { del, post, put, stationPath, useChange, useMay, useOne, type DeviceTemplate, type TemplatePreview } from '../../../api'
import { Failed, Grid, Loading, Page, ProblemAlert, useConfirm } from '../../../design'
import { Preview } from './Preview'
import { Progress } from './Progress'
import { blankTemplate, writable } from './template'
import { TemplateForm } from './TemplateForm'

const NEW = 'new'
const PATH = '/device-templates'

/** One template: a stored one, a new one, or one drawn up from what a station has. */
export function TemplatePage() {
  const { t } = useTranslation()
  const { templateId } = useParams({ from: '/device-templates/$templateId' })
  const { station } = useSearch({ strict: false }) as { station?: string }
  const isNew = templateId === NEW
  const stored = useOne<DeviceTemplate>(`${PATH}/${encodeURIComponent(templateId)}`, { enabled: !isNew })
  const draft = useOne<DeviceTemplate>(`${stationPath(station ?? '')}/template-draft`, { enabled: isNew && station !== undefined })
  const source = isNew ? draft : stored
  const crumbs = [
    <Link key="templates" to="/templates/{-$tab}" className="quiet">
      {t('device.template.title')}
    </Link>,
  ]
  const ready = isNew && !station ? blankTemplate() : source.data
  const title = isNew ? t('device.template.add') : (stored.data?.name ?? '')
  return (
    <Page title={title} crumbs={crumbs} subtitle={isNew && station ? t('device.template.drawnFrom', { station }) : undefined}>
      {source.problem && <Failed problem={source.problem} retry={source.retry} />}
      {!ready && !source.problem && <Loading />}
      {ready && <Editor key={ready.changed_at ?? templateId} template={ready} id={isNew ? undefined : templateId} />}
    </Page>
  )
}

function Editor({ template, id }: { template: DeviceTemplate; id?: string }) {
  const { t } = useTranslation()
  const navigate = useNavigate()
  const may = useMay('device.write')
  const [draft, setDraft] = useState(template)
  const path = `${PATH}/${encodeURIComponent(id ?? '')}`
  const changed = [PATH, '/desired-variables', '/charging-stations']
  const save = useChange((body: unknown) => (id ? put<DeviceTemplate>(path, body) : post<DeviceTemplate>(PATH, body)), changed)
  const leave = () => navigate({ to: '/templates/{-$tab}', params: { tab: undefined } })
  // Left first: what is read again afterwards must not be the template that is gone.
  const remove = useChange(() => del(path).then(leave), changed)
  const confirm = useConfirm()
  const ask = () =>
    confirm.ask({ title: t('device.template.delete'), text: t('device.template.deleteHint', { name: template.name }), action: t('design.delete'), run: () => remove.run(undefined) })
  const preview = useChange((body: unknown) => post<TemplatePreview>(`${PATH}/preview${id ? `?id=${encodeURIComponent(id)}` : ''}`, body))
  const store = async () => {
    const done = await save.run(writable(draft)).catch(() => undefined)
    if (done?.id && !id) void navigate({ to: '/device-templates/$templateId', params: { templateId: done.id }, search: {} as never })
  }
  return (
    <Grid>
      {confirm.dialog}
      {id && <Progress id={id} mayApply={may} />}
      <TemplateForm draft={draft} onChange={setDraft} readOnly={!may} />
      <ProblemAlert problem={save.problem ?? preview.problem} />
      {may && (
        <Group justify="space-between">
          <Group>
            <Button loading={save.busy} disabled={draft.name.trim() === ''} onClick={() => void store()} data-testid="template-save">
              {t('design.save')}
            </Button>
            <Button variant="default" loading={preview.busy} disabled={draft.name.trim() === ''} onClick={() => void preview.run(writable(draft)).catch(() => undefined)} data-testid="template-preview">
              {t('device.template.dryRun')}
            </Button>
          </Group>
          {id && (
            <Button color="red" variant="subtle" onClick={ask}>
              {t('device.template.delete')}
            </Button>
          )}
        </Group>
      )}
      {save.result && !preview.result && (
        <Alert color="green" variant="light" role="status">
          {t('device.template.saved')}
        </Alert>
      )}
      {preview.result && <Preview preview={preview.result} />}
    </Grid>
  )
}
