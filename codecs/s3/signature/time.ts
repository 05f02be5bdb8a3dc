/** Times as signatures have them: `20130524T000000Z`. */

let lastSecond = Number.NaN
let lastText = ''

export function formatAmzDate(ms: number): string {
  const second = Math.floor(ms / 1000)
  if (second !== lastSecond) {
    lastSecond = second
    lastText = new Date(second * 1000).toISOString().replace(/[-:]|\.\d+/g, '')
  }
  return lastText
}

const FORM = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/
let lastParsed = ''
let lastMs = Number.NaN

/** Milliseconds since 1970; NaN for what is no such time. */
export function parseAmzDate(text: string): number {
  if (text === lastParsed) return lastMs
  const parts = FORM.exec(text)
  const ms = parts ? Date.parse(`${parts[1]}-${parts[2]}-${parts[3]}T${parts[4]}:${parts[5]}:${parts[6]}Z`) : Number.NaN
  lastParsed = text
  return (lastMs = ms)
}
