import { TextInput, type TextInputProps } from '@mantine/core'

interface Props extends Omit<TextInputProps, 'value' | 'onChange' | 'type'> {
  /** RFC 3339, or undefined while there is none. */
  value: string | undefined
  onChange: (at: string | undefined) => void
}

/** A day and time in the browser's zone, kept as an instant in UTC. */
export function InstantInput({ value, onChange, ...rest }: Props) {
  return <TextInput {...rest} type="datetime-local" value={localOf(value)} onChange={(e) => onChange(instantOf(e.currentTarget.value))} />
}

/** "2026-01-31T12:00" as the browser's field wants it. */
export function localOf(at: string | undefined): string {
  const d = at ? new Date(at) : undefined
  if (!d || Number.isNaN(d.getTime())) return ''
  const two = (n: number) => String(n).padStart(2, '0')
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}T${two(d.getHours())}:${two(d.getMinutes())}`
}

export function instantOf(local: string): string | undefined {
  const d = local ? new Date(local) : undefined
  return d && !Number.isNaN(d.getTime()) ? d.toISOString() : undefined
}
