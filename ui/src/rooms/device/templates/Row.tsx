import { ActionIcon } from '@mantine/core'
import type { ReactNode } from 'react'
import { IconX } from '../../../design'
import css from './templates.module.css'

/** A row of fields that can be taken away. */
export function Row({ children, remove, label }: { children: ReactNode; remove?: () => void; label: string }) {
  return (
    <div className={css.row}>
      <div className={css.cells}>{children}</div>
      {remove && (
        <ActionIcon variant="subtle" color="gray" aria-label={label} title={label} onClick={remove} mt={26}>
          <IconX size={16} aria-hidden />
        </ActionIcon>
      )}
    </div>
  )
}
