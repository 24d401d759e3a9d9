import { JsonInput } from '@mantine/core'
import { useTranslation } from 'react-i18next'

interface Props {
  label: string
  value: string
  onChange: (text: string) => void
  /** Instead of the complaint about JSON that cannot be read. */
  error?: string
  testId?: string
}

/** JSON as text, with a complaint while it is none. */
export function JsonEditor({ label, value, onChange, error, testId }: Props) {
  const { t } = useTranslation()
  return (
    <JsonInput
      label={label}
      value={value}
      onChange={onChange}
      error={error ?? (parseJson(value) === undefined ? t('design.badJson') : undefined)}
      formatOnBlur
      autosize
      minRows={8}
      maxRows={24}
      spellCheck={false}
      data-testid={testId}
      styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)', fontSize: 13 } }}
    />
  )
}

/** The value, or undefined where the text is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
