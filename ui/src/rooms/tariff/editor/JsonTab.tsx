import { FileInput } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import type { Tariff } from '../../../api'
import { JsonEditor, Panel } from '../../../design'
import css from '../tariff.module.css'
import { cleaned, readTariff } from './draft'

interface Props {
  draft: Tariff
  onChange: (t: Tariff) => void
}

/** The draft as OCPI writes it: to paste a partner's tariff, to load a file, or to write by hand. */
export function JsonTab({ draft, onChange }: Props) {
  const { t } = useTranslation()
  const [text, setText] = useState(() => JSON.stringify(cleaned(draft), null, 2))
  const read = readTariff(text)
  const take = (next: string) => {
    setText(next)
    const tariff = readTariff(next)
    if (tariff) onChange(tariff)
  }
  const load = async (file: File | null) => {
    if (file) take(await file.text())
  }
  return (
    <Panel title={t('tariff.edit.json')}>
      <p className={css.note}>{t('tariff.jsonHint')}</p>
      <FileInput label={t('tariff.edit.file')} accept=".json,application/json" onChange={(f) => void load(f)} placeholder="JSON" mb="md" clearable />
      <JsonEditor label={t('tariff.json')} value={text} onChange={take} error={read ? undefined : t('tariff.edit.noTariff')} testId="tariff-json" />
    </Panel>
  )
}
