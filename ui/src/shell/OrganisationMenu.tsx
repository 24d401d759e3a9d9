import { Button, Menu } from '@mantine/core'
import { useTranslation } from 'react-i18next'
import { useChangeMe, type Me } from '../api'
import { IconCheck, IconChevronDown } from '../design'
import css from './shell.module.css'

/** The active organisation; a menu for who has a role in several. */
export function OrganisationMenu({ me }: { me: Me }) {
  const { t } = useTranslation()
  const change = useChangeMe()
  const others = me.grants.some((g) => g.organisation !== me.organisation.id)
  if (!others) return <span className={css.organisation}>{me.organisation.name}</span>
  return (
    <Menu position="bottom-start">
      <Menu.Target>
        <Button
          variant="subtle"
          color="gray"
          c="inherit"
          className={css.organisationButton}
          rightSection={<IconChevronDown size={15} aria-hidden />}
          aria-label={t('shell.organisation', { name: me.organisation.name })}
        >
          {me.organisation.name}
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {me.grants.map((g) => (
          <Menu.Item
            key={g.organisation}
            onClick={() => void change({ organisation: g.organisation })}
            rightSection={g.organisation === me.organisation.id && <IconCheck size={16} aria-hidden />}
          >
            {g.name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  )
}
