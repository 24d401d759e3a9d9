import { UnstyledButton } from '@mantine/core'
import type { ReactNode } from 'react'

/** Looks like a link and opens something on the same page. */
export function TextButton({ onClick, children }: { onClick: () => void; children: ReactNode }) {
  return (
    <UnstyledButton className="link" fz="inherit" onClick={onClick}>
      {children}
    </UnstyledButton>
  )
}
