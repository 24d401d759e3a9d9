import { Anchor, Button, Checkbox, FileButton, Group, Stack, Text } from '@mantine/core'
import { Link } from '@tanstack/react-router'
import { useRef, useState, type DragEvent } from 'react'
import { useTranslation } from 'react-i18next'
import { templateUrl, useMay } from '../../../api'
import { Empty, Grid, IconUpload, Page, Panel } from '../../../design'
import css from './import.module.css'
import { Outcome } from './Outcome'
import { useImport } from './useImport'

const ACCEPTED = '.csv,.xlsx,text/csv,application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'

/** Stations out of a spreadsheet: choose a file, see what it would do, do it. */
export function ImportPage() {
  const { t } = useTranslation()
  const may = useMay('station.write')
  return (
    <Page
      title={t('bulk.title')}
      subtitle={t('bulk.hint')}
      crumbs={[
        <Link key="stations" to="/stations" className="quiet">
          {t('station.list.title')}
        </Link>,
      ]}
    >
      {may ? (
        <Import />
      ) : (
        <Panel>
          <Empty title={t('design.problem.403')} />
        </Panel>
      )}
    </Page>
  )
}

function Import() {
  const { t } = useTranslation()
  const maySites = useMay('site.write')
  const [file, setFile] = useState<File>()
  const [createSites, setCreateSites] = useState(false)
  const [createOnly, setCreateOnly] = useState(false)
  const work = useImport()
  const choose = (f: File | null) => {
    if (!f) return
    setFile(f)
    void work.check(f, { createSites, createOnly })
  }
  const change = (sites: boolean, only: boolean) => {
    setCreateSites(sites)
    setCreateOnly(only)
    if (file) void work.check(file, { createSites: sites, createOnly: only })
  }
  const stored = work.result && !work.result.dry_run
  return (
    <Grid>
      {!stored && (
        <Panel>
          <Stack>
            <Drop file={file} choose={choose} busy={work.busy} />
            <Group gap={24} align="flex-start">
              <Checkbox
                label={t('bulk.createOnly')}
                description={t('bulk.createOnlyHint')}
                checked={createOnly}
                disabled={work.busy}
                onChange={(e) => change(createSites, e.currentTarget.checked)}
              />
              {maySites && (
                <Checkbox
                  label={t('bulk.createSites')}
                  description={t('bulk.createSitesHint')}
                  checked={createSites}
                  disabled={work.busy}
                  onChange={(e) => change(e.currentTarget.checked, createOnly)}
                />
              )}
            </Group>
          </Stack>
        </Panel>
      )}
      <Outcome work={work} apply={() => file && void work.apply(file, { createSites, createOnly })} />
    </Grid>
  )
}

interface DropProps {
  file?: File
  choose: (f: File | null) => void
  busy: boolean
}

function Drop({ file, choose, busy }: DropProps) {
  const { t } = useTranslation()
  const [over, setOver] = useState(false)
  const reset = useRef<() => void>(null)
  const drop = (e: DragEvent) => {
    e.preventDefault()
    setOver(false)
    if (!busy) choose(e.dataTransfer.files[0] ?? null)
  }
  const take = (f: File | null) => {
    choose(f)
    // The same file, mended meanwhile, can be chosen again.
    reset.current?.()
  }
  return (
    <div
      className={over ? `${css.drop} ${css.over}` : css.drop}
      onDragOver={(e) => {
        e.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
      data-testid="import-drop"
    >
      <IconUpload size={26} aria-hidden />
      <strong>{file ? file.name : t('bulk.drop')}</strong>
      <FileButton onChange={take} accept={ACCEPTED} resetRef={reset} inputProps={{ 'aria-label': t('bulk.choose') }}>
        {(props) => (
          <Button {...props} variant={file ? 'default' : 'filled'} disabled={busy} data-testid="import-choose">
            {file ? t('bulk.chooseOther') : t('bulk.choose')}
          </Button>
        )}
      </FileButton>
      <Text size="sm" c="dimmed">
        {t('bulk.template')}{' '}
        <Anchor href={templateUrl('xlsx')} download size="sm">
          XLSX
        </Anchor>
        {' · '}
        <Anchor href={templateUrl('csv')} download size="sm">
          CSV
        </Anchor>
      </Text>
    </div>
  )
}
