import { Button, Menu, Tabs } from '@mantine/core'
import { useLayoutEffect, useRef, useState, type ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { fitting } from './fitting'
import { IconChevronDown } from './icons'
import css from './layout.module.css'

interface Props {
  label: string
  tabs: { value: string; label: string }[]
  value: string
  onChange: (value: string) => void
  children: ReactNode
}

/** Tabs of which those that do not fit stand in a menu at the end: nothing is cut off, nothing scrolls sideways. */
export function OverflowTabs({ label, tabs, value, onChange, children }: Props) {
  const { t } = useTranslation()
  const row = useRef<HTMLDivElement>(null)
  const rule = useRef<HTMLDivElement>(null)
  const [fit, setFit] = useState(tabs.length)
  const names = tabs.map((x) => x.label).join('\n')
  useLayoutEffect(() => {
    const measure = () => {
      const widths = [...(rule.current?.children ?? [])].map((x) => x.getBoundingClientRect().width)
      setFit(fitting(widths, row.current?.clientWidth ?? 0))
    }
    measure()
    const watch = new ResizeObserver(measure)
    if (row.current) watch.observe(row.current)
    return () => watch.disconnect()
  }, [names])
  const rest = tabs.slice(fit)
  const hidden = rest.find((x) => x.value === value)
  return (
    <Tabs value={value} onChange={(v) => v && onChange(v)}>
      <div className={css.tabRow} ref={row}>
        <div className={css.tabRule} ref={rule} aria-hidden>
          {tabs.map((x) => (
            <span key={x.value}>{x.label}</span>
          ))}
        </div>
        <Tabs.List aria-label={label} style={{ flexWrap: 'nowrap' }}>
          {tabs.slice(0, fit).map((x) => (
            <Tabs.Tab key={x.value} value={x.value}>
              {x.label}
            </Tabs.Tab>
          ))}
        </Tabs.List>
        {rest.length > 0 && (
          <Menu position="bottom-end">
            <Menu.Target>
              <Button variant={hidden ? 'light' : 'subtle'} color={hidden ? undefined : 'gray'} rightSection={<IconChevronDown size={15} aria-hidden />} data-testid="tabs-more">
                {hidden?.label ?? t('design.moreTabs')}
              </Button>
            </Menu.Target>
            <Menu.Dropdown>
              {rest.map((x) => (
                <Menu.Item key={x.value} onClick={() => onChange(x.value)} aria-current={x.value === value ? 'page' : undefined}>
                  {x.label}
                </Menu.Item>
              ))}
            </Menu.Dropdown>
          </Menu>
        )}
      </div>
      {/* Where the chosen tab stands in the menu there is no tab to name the panel by. */}
      <Tabs.Panel value={value} aria-label={tabs.find((x) => x.value === value)?.label}>
        {children}
      </Tabs.Panel>
    </Tabs>
  )
}
