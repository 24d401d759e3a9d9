import { useTranslation } from 'react-i18next'
import { useAll, useMay, type Organisation, type Role } from '../../api'

/** Roles for a picker, and the names of roles and organisations that other rows refer to by id. */
export function useNames() {
  const { t } = useTranslation()
  const roles = useAll<Role>('/roles', {}, { enabled: useMay('role.read') }).rows ?? []
  const organisations = useAll<Organisation>('/organisations', {}, { enabled: useMay('organisation.read') }).rows ?? []
  const nameOf = (r: Role) => (r.builtin ? t(`identity.role.${r.name}`, { defaultValue: r.name }) : r.name)
  return {
    roleOptions: roles.map((r) => ({ value: r.id, label: nameOf(r) })),
    role: (id: string) => {
      const role = roles.find((r) => r.id === id || r.name === id)
      return role ? nameOf(role) : t(`identity.role.${id}`, { defaultValue: id })
    },
    organisation: (id: string) => organisations.find((o) => o.id === id)?.name ?? id,
  }
}
