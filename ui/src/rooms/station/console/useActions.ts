import { useOne, type ActionList, type ActionShape } from '../../../api'

const ACTIONS = '/ocpp/actions'

/** What stations can be asked, in neutral terms and as each version has it. */
export const useActions = () => useOne<ActionList>(ACTIONS)

/** What one action needs: in neutral terms, or with a version that version's own message. */
export const useActionShape = (action: string, version?: string) =>
  useOne<ActionShape>(`${ACTIONS}/${encodeURIComponent(action)}${version ? `?version=${encodeURIComponent(version)}` : ''}`, { enabled: action !== '' })

export interface ActionChoice {
  action: string
  versions: string[]
  /** The station's version has it; while that is unknown, everything may be tried. */
  possible: boolean
}

/** The actions for a station of a version, those it has first, matching a search. */
export function choicesFor(list: ActionList, protocol: string | undefined, search: string): ActionChoice[] {
  const wanted = search.trim().toLowerCase()
  return list.items
    .filter((x) => x.action.toLowerCase().includes(wanted))
    .map((x) => ({ action: x.action, versions: x.versions, possible: !protocol || (x.versions as string[]).includes(protocol) }))
    .sort((a, b) => Number(b.possible) - Number(a.possible) || a.action.localeCompare(b.action))
}
