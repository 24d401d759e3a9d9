/** Hands a text to the user as a file. */
export function download(name: string, text: string, type: string) {
  const url = URL.createObjectURL(new Blob([text], { type }))
  const a = document.createElement('a')
  a.href = url
  a.download = name
  a.click()
  // The download has its own hold on the data by the next turn.
  setTimeout(() => URL.revokeObjectURL(url), 0)
}

/** What a spreadsheet would take for a formula is led by an apostrophe, as the server does in its own files. */
const FORMULA = /^\s*'*[=+\-@\t\r]/

/** Rows as CSV, with the byte order mark that spreadsheets need to see UTF-8. */
export function csv(rows: string[][]): string {
  const cell = (v: string) => `"${(FORMULA.test(v) ? `'${v}` : v).replaceAll('"', '""')}"`
  return `\ufeff${rows.map((r) => r.map(cell).join(',')).join('\r\n')}\r\n`
}
