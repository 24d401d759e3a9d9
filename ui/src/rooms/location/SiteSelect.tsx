import { Select } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useSites } from '../../api'

interface Props {
  value: string | null
  onChange: (id: string | null) => void
  error?: string
  clearable?: boolean
}

export function SiteSelect({ value, onChange, error, clearable }: Props) {
  const { t } = useTranslation()
  const { rows } = useSites()
  return (
    <Select
      label={t('station.field.site')}
      placeholder={rows?.length === 0 ? t('location.noneYet') : t('location.choose')}
      data={(rows ?? []).map((s) => ({ value: s.id, label: s.name }))}
      value={value}
      onChange={onChange}
      error={error}
      clearable={clearable}
      searchable
      limit={50}
    />
  )
}
