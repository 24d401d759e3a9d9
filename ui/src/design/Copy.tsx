import { ActionIcon, Tooltip } from '@mantine/core'
import { useState } from 'react'
import { useTranslation } from 'react-i18next'
import { IconCheck, IconCopy } from './icons'
import css from './layout.module.css'

export function CopyButton({ value, label }: { value: string; label?: string }) {
  const { t } = useTranslation()
  const [copied, setCopied] = useState(false)
  const text = copied ? t('design.copied') : (label ?? t('design.copy'))
  return (
    <Tooltip label={text}>
      <ActionIcon
        variant="subtle"
        color={copied ? 'green' : 'gray'}
        aria-label={text}
        onClick={async () => {
          setCopied(await copyText(value))
          setTimeout(() => setCopied(false), 2000)
        }}
      >
        {copied ? <IconCheck size={16} aria-hidden /> : <IconCopy size={16} aria-hidden />}
      </ActionIcon>
    </Tooltip>
  )
}

/** A value to be carried elsewhere, with a button that copies it. */
export function CopyField({ value, label }: { value: string; label: string }) {
  return (
    <div>
      <div style={{ fontSize: 13, color: 'var(--ink-2)', marginBottom: 4 }}>{label}</div>
      <div className={css.copy}>
        <span data-copy={label}>{value}</span>
        <CopyButton value={value} />
      </div>
    </div>
  )
}

async function copyText(value: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(value)
    return true
  } catch {
    return copyBySelection(value)
  }
}

// navigator.clipboard exists in secure contexts only; a console on plain HTTP in a depot has this.
function copyBySelection(value: string): boolean {
  const area = document.createElement('textarea')
  area.value = value
  area.style.position = 'fixed'
  area.style.opacity = '0'
  document.body.append(area)
  area.select()
  const done = document.execCommand('copy')
  area.remove()
  return done
}

/** JSON text, indented; text that is no JSON as it is. */
export function Json({ value }: { value: unknown }) {
  return (
    <pre className={css.code} tabIndex={0}>
      {prettyJson(value)}
    </pre>
  )
}

export function prettyJson(value: unknown): string {
  if (typeof value !== 'string') return JSON.stringify(value, null, 2) ?? ''
  try {
    return JSON.stringify(JSON.parse(value), null, 2)
  } catch {
    return value
  }
}
