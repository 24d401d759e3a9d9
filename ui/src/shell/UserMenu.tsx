import { Avatar, Menu, UnstyledButton } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { roleOf, useSignOut, type Me } from '../api'
import { IconLogout } from '../design'

export function UserMenu({ me }: { me: Me }) {
  const { t } = useTranslation()
  const signOut = useSignOut()
  const role = roleOf(me)
  return (
    <Menu position="bottom-end" width={240}>
      <Menu.Target>
        <UnstyledButton aria-label={t('shell.user')} data-testid="user-menu" ml={4}>
          <Avatar name={me.user.name || me.user.email} color="petrol" variant="filled" size={32} />
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        <div style={{ padding: '8px 12px' }}>
          <div style={{ fontWeight: 600 }}>{me.user.name || me.user.email}</div>
          <div style={{ fontSize: 13, color: 'var(--ink-2)', overflowWrap: 'anywhere' }}>{me.user.email}</div>
          <div style={{ fontSize: 13, color: 'var(--ink-2)' }}>
            {me.organisation.name} · {role ? t(`identity.role.${role}`, { defaultValue: role }) : ''}
          </div>
        </div>
        <Menu.Divider />
        <Menu.Item leftSection={<IconLogout size={16} aria-hidden />} onClick={() => void signOut()}>
          {t('shell.signOut')}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  )
}
