import { ActionIcon } from '@mantine/core'
import type { ReactNode } from 'react'
import { useTranslation } from 'react-i18next'
import { IconPlus, IconX, TextButton } from '../../../design'
import { AddMenu } from './AddMenu'
import css from './console.module.css'
import { Plain } from './Plain'
import { emptyOf, isRecord, kindOf, removeAt, setAt, shownFields, type Field, type Path, type Schema, type Value } from './schema'
import { pathText, type Fault } from './validate'

interface Props {
  schema: Schema
  value: Value
  onChange: (v: Value) => void
  /** Shown at their fields once somebody tried to send. */
  faults: Fault[]
}

/** A form drawn from a JSON Schema: what is required first, nested parts in frames, lists that grow. */
export function SchemaForm({ schema, value, onChange, faults }: Props) {
  const form: Form = { root: value, change: onChange, faults }
  return <ObjectFields form={form} schema={schema} path={[]} value={value} />
}

interface Form {
  root: Value
  change: (v: Value) => void
  faults: Fault[]
}

interface PartProps {
  form: Form
  schema: Schema
  path: Path
  value: Value
}

function ObjectFields({ form, schema, path, value }: PartProps) {
  const record = isRecord(value) ? value : {}
  const { shown, more } = shownFields(schema, record, path.length === 0)
  const add = (f: Field) => form.change(setAt(form.root, [...path, f.name], emptyOf(f.schema) ?? ''))
  return (
    <div className={css.fields}>
      {shown.map((f) => (
        <Part key={f.name} form={form} field={f} path={[...path, f.name]} value={record[f.name]} removable={!f.required && f.name in record} />
      ))}
      {more.length > 0 && <AddField fields={more} add={add} />}
    </div>
  )
}

function AddField({ fields, add }: { fields: Field[]; add: (f: Field) => void }) {
  const { t } = useTranslation()
  return (
    <div className={css.wide}>
      <AddMenu
        label={t('station.console.addField')}
        items={fields.map((f) => f.name)}
        add={(name) => fields.filter((f) => f.name === name).forEach(add)}
      />
    </div>
  )
}

interface FieldProps {
  form: Form
  field: Field
  path: Path
  value: Value
  removable: boolean
}

function Part({ form, field: f, path, value, removable }: FieldProps) {
  const set = (v: Value) => form.change(setAt(form.root, path, v))
  const remove = removable ? () => form.change(removeAt(form.root, path)) : undefined
  switch (kindOf(f.schema)) {
    case 'object':
      return (
        <Frame name={f.name} required={f.required} remove={remove}>
          <ObjectFields form={form} schema={f.schema} path={path} value={value} />
        </Frame>
      )
    case 'list':
      return (
        <Frame name={f.name} required={f.required} remove={remove}>
          <List form={form} schema={f.schema} path={path} value={value} />
        </Frame>
      )
    default:
      return <Plain name={f.name} schema={f.schema} required={f.required} value={value} onChange={set} fault={faultAt(form.faults, path)} />
  }
}

function List({ form, schema, path, value }: PartProps) {
  const { t } = useTranslation()
  const items = Array.isArray(value) ? value : []
  const of = schema.items ?? {}
  const full = schema.maxItems !== undefined && items.length >= schema.maxItems
  const nested = kindOf(of) === 'object'
  return (
    <div className={css.list}>
      {items.map((x, i) => {
        const at = [...path, i]
        const remove = () => form.change(removeAt(form.root, at))
        return (
          <div key={i} className={css.item}>
            <div className={css.itemBody}>
              {nested ? (
                <ObjectFields form={form} schema={of} path={at} value={x} />
              ) : (
                <Plain name={String(i + 1)} schema={of} required value={x} onChange={(v) => form.change(setAt(form.root, at, v ?? ''))} fault={faultAt(form.faults, at)} />
              )}
            </div>
            <Remove label={t('station.console.removeItem', { number: i + 1 })} onClick={remove} />
          </div>
        )
      })}
      {!full && (
        <TextButton onClick={() => form.change(setAt(form.root, path, [...items, emptyOf(of) ?? '']))}>
          <IconPlus size={14} aria-hidden /> {t('station.console.addItem')}
        </TextButton>
      )}
    </div>
  )
}

function Frame({ name, required, remove, children }: { name: string; required: boolean; remove?: () => void; children: ReactNode }) {
  const { t } = useTranslation()
  return (
    <fieldset className={css.frame}>
      <legend>
        <code>{name}</code>
        {required && <span className={css.star}>*</span>}
        {remove && <Remove label={t('station.console.removeField', { name })} onClick={remove} />}
      </legend>
      {children}
    </fieldset>
  )
}

function Remove({ label, onClick }: { label: string; onClick: () => void }) {
  return (
    <ActionIcon variant="subtle" color="gray" size="sm" aria-label={label} title={label} onClick={onClick}>
      <IconX size={14} aria-hidden />
    </ActionIcon>
  )
}

const faultAt = (faults: Fault[], path: Path) => faults.find((x) => pathText(x.path) === pathText(path))
