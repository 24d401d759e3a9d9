import { Menu, UnstyledButton } from '@mantine/core'
import { IconPlus } from '../../../design'

/** A link that opens a list of names to add. */
export function AddMenu({ label, items, add }: { label: string; items: string[]; add: (name: string) => void }) {
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <UnstyledButton className="link" fz={13.5}>
          <IconPlus size={13} aria-hidden /> {label}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflowY: 'auto' }}>
        {items.map((name) => (
          <Menu.Item key={name} onClick={() => add(name)}>
            <code>{name}</code>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
