import { BASE, csrf, csrfToken, query, type Params } from './client'
import { asProblem, Problem, problemFrom, problemOf } from './problem'

/** The address of a file that the browser downloads by itself, with the session's cookie. */
export const downloadUrl = (path: string) => BASE + path

/**
 * Sends a file as the body of a PUT and tells how far it has come, 0 to 1.
 * XMLHttpRequest, since fetch does not tell.
 */
export function upload<T>(path: string, file: Blob, name: string, onProgress: (part: number) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('PUT', BASE + path)
    request.withCredentials = true
    request.setRequestHeader('X-CSRF-Token', csrfToken())
    request.setRequestHeader('Accept', 'application/json')
    request.upload.onprogress = (e) => e.lengthComputable && onProgress(e.loaded / e.total)
    request.onerror = () => reject(new Problem({ status: 0 }))
    request.onload = () => {
      const { status, statusText, responseText } = request
      if (status < 200 || status >= 300) reject(problemOf(status, statusText, responseText))
      else resolve(JSON.parse(responseText || 'null') as T)
    }
    const form = new FormData()
    form.append('file', file, name)
    request.send(form)
  })
}

/** Sends a file as the body of a POST. */
export async function sendFile<T>(path: string, file: Blob, params: Params = {}): Promise<T> {
  const headers = { 'Content-Type': file.type || 'application/octet-stream', Accept: 'application/json', ...csrf() }
  let response: Response
  try {
    response = await fetch(BASE + path + query(params), { method: 'POST', headers, body: file, credentials: 'same-origin' })
  } catch (e) {
    throw new Problem({ status: 0, detail: asProblem(e).detail })
  }
  if (!response.ok) throw await problemFrom(response)
  return (await response.json()) as T
}
